package jclip.backend;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One operator, called by itself: fields are set by the header's names, unset ones are zero. For packing weights, pictures and tests; a
 * model's operators are recorded in a graph. Not for two threads at once.
 */
public final class Call implements AutoCloseable {
    private static final int STRUCT = 16;

    private final Context context;
    private final Header.Struct struct;
    private final NativeMemory memory;
    private final MemorySegment args;

    /** A call of {@code jc_<operator>}, all arguments zero. */
    public Call(Context context, String operator) {
        this.context = context;
        this.struct = context.library().header().struct(operator);
        this.memory = NativeMemory.allocate(STRUCT + struct.bytes());
        this.args = memory.segment().asSlice(STRUCT, struct.bytes());
        memory.segment()
                .set(
                        ValueLayout.JAVA_LONG,
                        0,
                        context.library().operator(operator).address());
        memory.segment().set(ValueLayout.JAVA_LONG, Long.BYTES, args.address());
    }

    /** Sets a pointer. */
    public Call set(String field, MemorySegment pointer) {
        args.set(ValueLayout.JAVA_LONG, struct.field(field).offset(), pointer.address());
        return this;
    }

    /** Sets an integer. */
    public Call set(String field, long value) {
        args.set(ValueLayout.JAVA_LONG, struct.field(field).offset(), value);
        return this;
    }

    /** Sets a real number. */
    public Call set(String field, double value) {
        args.set(ValueLayout.JAVA_DOUBLE, struct.field(field).offset(), value);
        return this;
    }

    /** Scratch bytes that these arguments want; 0 for an operator without workspace. */
    public long workspaceBytes() {
        return struct.hasWorkspace() ? context.library().workspace(struct.operator(), context, args) : 0;
    }

    /**
     * Runs it.
     *
     * @throws IllegalArgumentException what the operator says is wrong
     */
    public void run() {
        context.run(memory.segment(), 1, MemorySegment.NULL);
    }

    @Override
    public void close() {
        memory.close();
    }
}
