package jclip.tools;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import jclip.backend.Header;
import jclip.backend.Isa;

/**
 * An operator's line as {@code JCLIP_VERBOSE=1} prints it, taken apart.
 *
 * @param struct the operator's arguments
 * @param isa the instruction set that ran it
 * @param values of all fields but the workspace, as written
 * @see jclip.backend.CallLine
 */
record OperatorLine(Header.Struct struct, Isa isa, Map<String, String> values) {
    /**
     * Reads a line.
     *
     * @throws IllegalArgumentException if it names no operator of this library, or a field is missing, repeated or unknown
     */
    static OperatorLine parse(String line, Header header) {
        int comment = line.indexOf('#');
        String[] words =
                (comment < 0 ? line : line.substring(0, comment)).strip().split("\\s+");
        Header.Struct struct = header.struct(words[0]);
        Map<String, String> values = new LinkedHashMap<>();
        for (String word : List.of(words).subList(1, words.length)) {
            int equals = word.indexOf('=');
            if (equals < 1 || values.put(word.substring(0, equals), word.substring(equals + 1)) != null) {
                throw new IllegalArgumentException("'" + word + "' is no field=value, or is repeated");
            }
        }
        String isa = values.remove("isa");
        if (isa == null) {
            throw new IllegalArgumentException("the line has no isa=");
        }
        List<String> wanted = new ArrayList<>();
        written(struct).forEach(field -> wanted.add(field.name()));
        if (!values.keySet().equals(new java.util.HashSet<>(wanted))) {
            throw new IllegalArgumentException(
                    words[0] + " has the fields " + wanted + ", the line " + values.keySet());
        }
        return new OperatorLine(struct, Isa.of(isa), values);
    }

    /** Fields that stand in a line. */
    static Stream<Header.Field> written(Header.Struct struct) {
        return struct.fields().stream()
                .filter(field ->
                        field.role() != Header.Role.WORKSPACE && !field.name().equals("workspace_bytes"));
    }

    String value(String field) {
        String value = values.get(field);
        if (value == null) {
            throw new IllegalArgumentException(struct.operator() + " has no field '" + field + "'");
        }
        return value;
    }

    long integer(String field) {
        return Long.parseLong(value(field));
    }

    boolean isNull(String field) {
        return value(field).equals("-");
    }

    /** The numbers of {@code i32{...}} or {@code i64{...}}. */
    long[] integers(String field) {
        String value = value(field);
        int open = value.indexOf('{');
        if (open < 0 || !value.endsWith("}")) {
            throw new IllegalArgumentException(field + "=" + value + " lists no integers");
        }
        String list = value.substring(open + 1, value.length() - 1);
        return list.isEmpty()
                ? new long[0]
                : Stream.of(list.split(",")).mapToLong(Long::parseLong).toArray();
    }

    /** Rows that are alive: the count behind {@code live}, else all. */
    long live(String all) {
        return isNull("live") ? integer(all) : integers("live")[0];
    }
}
