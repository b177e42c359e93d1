package jclip.backend;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The contract {@code jclip.h} as this jar carries it: the argument struct of every operator and the hash that a library must have.
 *
 * <p>Java writes argument structs by field name through this class, so that the header is the one place that knows their layout.
 * Immutable.
 */
public final class Header {
    private static final Pattern STRUCT = Pattern.compile("typedef struct \\{\\n([^}]*)\\} jc_(\\w+)_args;");
    private static final Pattern FIELD = Pattern.compile(
            "^\\s*(const )?(\\w+)(\\*?) (\\w+);\\s*(?:/\\*\\s*(.*?)\\s*(?:\\*/)?)?$", Pattern.MULTILINE);

    private final Map<String, Struct> structs;
    private final String hash;

    private Header(Map<String, Struct> structs, String hash) {
        this.structs = structs;
        this.hash = hash;
    }

    /** What a field is for: a pointer's direction, or a number. */
    public enum Role {
        IN,
        OUT,
        INOUT,
        WORKSPACE,
        INTEGER,
        REAL
    }

    /**
     * One field of 8 bytes.
     *
     * @param element the C type pointed to ({@code float}, {@code int32_t}, {@code int64_t}, {@code uint8_t}, {@code void}), or the number's type
     * @param nullable a pointer that may be null
     */
    public record Field(String name, Role role, String element, boolean nullable, int offset) {}

    /** The argument struct of one operator; fields in the header's order. */
    public record Struct(String operator, List<Field> fields) {
        /**
         * A struct of the caller's own, declared as the contract declares its operators'.
         *
         * @param declaration {@code typedef struct {...} jc_NAME_args;}, a field a line, each 8 bytes wide and commented
         * @throws IllegalArgumentException if it is not exactly one such declaration
         */
        public static Struct parse(String declaration) {
            List<Struct> found =
                    Header.parse(declaration.getBytes(StandardCharsets.UTF_8)).structs();
            if (found.size() != 1) {
                throw new IllegalArgumentException("not one argument struct: " + declaration);
            }
            return found.getFirst();
        }

        /** Size in bytes. */
        public int bytes() {
            return fields.size() * Long.BYTES;
        }

        /**
         * The field of that name.
         *
         * @throws IllegalArgumentException if the struct has none
         */
        public Field field(String name) {
            for (Field field : fields) {
                if (field.name.equals(name)) {
                    return field;
                }
            }
            throw new IllegalArgumentException("jc_" + operator + "_args has no field '" + name + "'");
        }

        /** Whether the operator wants scratch memory. */
        public boolean hasWorkspace() {
            return fields.stream().anyMatch(f -> f.role == Role.WORKSPACE);
        }
    }

    /** Reads the header that this jar carries. */
    static Header load() {
        try (InputStream in = Header.class.getResourceAsStream("jclip.h")) {
            if (in == null) {
                throw new LibraryException(
                        "jclip.h is missing in the jclip jar: the jar is incomplete; build it again");
            }
            return parse(in.readAllBytes());
        } catch (IOException e) {
            throw new LibraryException("jclip.h cannot be read from the jclip jar", e);
        }
    }

    static Header parse(byte[] bytes) {
        Map<String, Struct> structs = new LinkedHashMap<>();
        Matcher struct = STRUCT.matcher(new String(bytes, StandardCharsets.UTF_8));
        while (struct.find()) {
            List<Field> fields = new ArrayList<>();
            Matcher field = FIELD.matcher(struct.group(1));
            while (field.find()) {
                String comment = field.group(5) == null ? "" : field.group(5);
                boolean pointer = !field.group(3).isEmpty();
                fields.add(new Field(
                        field.group(4),
                        role(pointer, field.group(2), comment),
                        field.group(2),
                        pointer && comment.contains("or null"),
                        fields.size() * Long.BYTES));
            }
            structs.put(struct.group(2), new Struct(struct.group(2), List.copyOf(fields)));
        }
        return new Header(structs, hash(bytes));
    }

    private static Role role(boolean pointer, String type, String comment) {
        if (!pointer) {
            return type.equals("double") ? Role.REAL : Role.INTEGER;
        }
        if (comment.startsWith("inout")) {
            return Role.INOUT;
        }
        if (comment.startsWith("out")) {
            return Role.OUT;
        }
        return comment.startsWith("workspace") ? Role.WORKSPACE : Role.IN;
    }

    private static String hash(byte[] bytes) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes))
                    .substring(0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** First 16 hexadecimal digits of the header's SHA-256. */
    public String hash() {
        return hash;
    }

    /**
     * The argument struct of an operator.
     *
     * @throws IllegalArgumentException if the contract has no such operator
     */
    public Struct struct(String operator) {
        Struct struct = structs.get(operator);
        if (struct == null) {
            throw new IllegalArgumentException("jclip.h declares no operator '" + operator + "'");
        }
        return struct;
    }

    /** Every operator's struct, in the header's order. */
    public List<Struct> structs() {
        return List.copyOf(structs.values());
    }
}
