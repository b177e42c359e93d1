package jclip.graph;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.function.ToLongFunction;
import jclip.backend.Header;
import org.jspecify.annotations.Nullable;

/** Writes one argument struct field by field and refuses what the header does not declare. */
final class ArgumentStruct implements Op.Fields {
    private final Header.Struct struct;
    private final MemorySegment memory;
    private final ToLongFunction<Tensor> addresses;
    private final BitSet written = new BitSet();

    ArgumentStruct(Header.Struct struct, MemorySegment memory, ToLongFunction<Tensor> addresses) {
        this.struct = struct;
        this.memory = memory;
        this.addresses = addresses;
    }

    @Override
    public ArgumentStruct set(String name, @Nullable Tensor tensor) {
        Header.Field field = field(name, Header.Role.IN, Header.Role.OUT, Header.Role.INOUT);
        if (tensor == null && !field.nullable()) {
            throw new IllegalArgumentException(struct.operator() + ": '" + name + "' may not be null");
        }
        memory.set(ValueLayout.JAVA_LONG, field.offset(), tensor == null ? 0 : addresses.applyAsLong(tensor));
        return this;
    }

    @Override
    public ArgumentStruct set(String name, long value) {
        memory.set(ValueLayout.JAVA_LONG, field(name, Header.Role.INTEGER).offset(), value);
        return this;
    }

    @Override
    public ArgumentStruct set(String name, double value) {
        memory.set(ValueLayout.JAVA_DOUBLE, field(name, Header.Role.REAL).offset(), value);
        return this;
    }

    void workspace(long address, long bytes) {
        memory.set(
                ValueLayout.JAVA_LONG, field("workspace", Header.Role.WORKSPACE).offset(), address);
        set("workspace_bytes", bytes);
    }

    private Header.Field field(String name, Header.Role... roles) {
        Header.Field field = struct.field(name);
        for (Header.Role role : roles) {
            if (field.role() == role) {
                int index = field.offset() / Long.BYTES;
                if (written.get(index)) {
                    throw new IllegalArgumentException(struct.operator() + ": field '" + name + "' is written twice");
                }
                written.set(index);
                return field;
            }
        }
        throw new IllegalArgumentException(struct.operator() + ": field '" + name + "' is " + field.role());
    }

    /** Every field has been written. */
    void complete() {
        for (Header.Field field : struct.fields()) {
            if (!written.get(field.offset() / Long.BYTES)) {
                throw new IllegalArgumentException(
                        struct.operator() + ": field '" + field.name() + "' was not written");
            }
        }
    }
}
