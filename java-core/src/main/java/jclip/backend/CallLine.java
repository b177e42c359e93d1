package jclip.backend;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;

/**
 * One executed operator as a line of text that can be run again: {@code layer_norm isa=avx512 x=f32:38400 residual=- … width=768 epsilon=1.0E-5}.
 *
 * <p>A pointer is written as {@code type:elements}, {@code -} for null, {@code @field} where it is another field's address, {@code
 * type{values}} for integers (their content decides what runs), or {@code gemm_pack:NxK} / {@code conv2d_pack:OxIxK} for packed weights.
 */
@SuppressWarnings("restricted")
public final class CallLine {
    private final Header.Struct struct;
    private final Isa isa;
    private final MemorySegment args;
    private final Map<String, String> pointers = new HashMap<>();

    /** A line of the call with these arguments. */
    public CallLine(Header.Struct struct, Isa isa, MemorySegment args) {
        this.struct = struct;
        this.isa = isa;
        this.args = args;
    }

    /**
     * Tells what a pointer points to.
     *
     * @param packing empty, or how packed weights are made
     * @param elements from the first to the last
     */
    public void pointer(String name, String packing, long elements) {
        Header.Field field = struct.field(name);
        if (!packing.isEmpty()) {
            pointers.put(name, packing);
        } else if (field.element().startsWith("int") && field.role() == Header.Role.IN) {
            pointers.put(name, integers(field, elements));
        } else {
            pointers.put(name, type(field) + ":" + elements);
        }
    }

    static String type(Header.Field field) {
        return switch (field.element()) {
            case "int32_t" -> "i32";
            case "int64_t" -> "i64";
            case "uint8_t" -> "u8";
            default -> "f32";
        };
    }

    private String integers(Header.Field field, long elements) {
        boolean wide = field.element().equals("int64_t");
        long bytes = elements * (wide ? Long.BYTES : Integer.BYTES);
        MemorySegment values = MemorySegment.ofAddress(args.get(ValueLayout.JAVA_LONG, field.offset()))
                .reinterpret(bytes);
        StringBuilder text = new StringBuilder(type(field)).append('{');
        for (long i = 0; i < elements; i++) {
            text.append(i == 0 ? "" : ",");
            text.append(
                    wide ? values.getAtIndex(ValueLayout.JAVA_LONG, i) : values.getAtIndex(ValueLayout.JAVA_INT, i));
        }
        return text.append('}').toString();
    }

    @Override
    public String toString() {
        StringBuilder text =
                new StringBuilder(struct.operator()).append(" isa=").append(isa);
        Map<Long, String> seen = new HashMap<>();
        for (Header.Field field : struct.fields()) {
            if (field.role() == Header.Role.WORKSPACE || field.name().equals("workspace_bytes")) {
                continue; // made anew for every run
            }
            text.append(' ').append(field.name()).append('=').append(value(field, seen));
        }
        return text.toString();
    }

    private String value(Header.Field field, Map<Long, String> seen) {
        if (field.role() == Header.Role.INTEGER) {
            return Long.toString(args.get(ValueLayout.JAVA_LONG, field.offset()));
        }
        if (field.role() == Header.Role.REAL) {
            return Double.toString(args.get(ValueLayout.JAVA_DOUBLE, field.offset()));
        }
        long address = args.get(ValueLayout.JAVA_LONG, field.offset());
        if (address == 0) {
            return "-";
        }
        String earlier = seen.putIfAbsent(address, field.name());
        return earlier != null ? "@" + earlier : pointers.getOrDefault(field.name(), "?");
    }
}
