package jclip.graph;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;
import jclip.backend.Context;
import jclip.backend.Header;
import jclip.backend.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * A plan bound to a library, an arena and parameters: an array of calls with all their arguments written. {@link #run} is the only hot
 * method; it allocates nothing. Not for two threads at once.
 */
public final class Program implements AutoCloseable {
    private static final int CALL_BYTES = 16;

    private final Plan plan;
    private final Context context;
    private final MemorySegment arena;
    private final NativeMemory memory;
    private final MemorySegment calls;
    private final MemorySegment nanos;
    private final int count;
    private final MemorySegment[] arguments;
    private final @Nullable Trace trace;

    /**
     * Binds a plan.
     *
     * @param arena at least {@link Plan#bytes} bytes, 64-byte aligned; the caller's, and may be shared with programs that never run at
     *     the same time
     * @param parameters the address of each parameter
     */
    public Program(Plan plan, Context context, MemorySegment arena, ToLongFunction<Parameter> parameters) {
        if (arena.byteSize() < plan.bytes() || arena.address() % 64 != 0) {
            throw new IllegalArgumentException(
                    plan.graph().name() + ": an arena of " + arena.byteSize() + " bytes at address " + arena.address()
                            + "; it must have " + plan.bytes() + " and be 64-byte aligned");
        }
        this.plan = plan;
        this.context = context;
        this.arena = arena;
        List<Graph.Node> nodes = plan.graph().nodes();
        Header header = context.library().header();
        this.count = nodes.size();
        this.arguments = new MemorySegment[count];
        long structs = nodes.stream()
                .mapToLong(n -> header.struct(n.op().operator()).bytes())
                .sum();
        this.memory = NativeMemory.allocate((long) count * (CALL_BYTES + Long.BYTES) + structs);
        this.calls = memory.segment().asSlice(0, (long) count * CALL_BYTES);
        this.nanos = memory.segment().asSlice(calls.byteSize(), (long) count * Long.BYTES);
        try {
            writeAll(nodes, header, parameters);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
        this.trace = Trace.fromEnvironment();
    }

    private void writeAll(List<Graph.Node> nodes, Header header, ToLongFunction<Parameter> parameters) {
        long next = calls.byteSize() + nanos.byteSize();
        for (Graph.Node node : nodes) {
            Header.Struct struct = header.struct(node.op().operator());
            arguments[node.index()] = memory.segment().asSlice(next, struct.bytes());
            next += struct.bytes();
            write(node, struct, t -> address(t, parameters));
        }
    }

    private long address(Tensor tensor, ToLongFunction<Parameter> parameters) {
        long bytes = tensor.offset() * tensor.type().bytes();
        if (tensor.kind() == Tensor.Kind.PARAMETER) {
            return parameters.applyAsLong(tensor.parameter()) + bytes;
        }
        return arena.address() + plan.offset(tensor) + bytes;
    }

    private void write(Graph.Node node, Header.Struct struct, ToLongFunction<Tensor> addresses) {
        ArgumentStruct args = new ArgumentStruct(struct, arguments[node.index()], addresses);
        node.op().write(args, node.outputs());
        if (struct.hasWorkspace()) {
            args.workspace(arena.address() + plan.workspaceOffset(node), plan.workspaceBytes(node));
        }
        args.complete();
        long call = (long) node.index() * CALL_BYTES;
        calls.set(
                ValueLayout.JAVA_LONG,
                call,
                context.library().operator(node.op().operator()).address());
        calls.set(ValueLayout.JAVA_LONG, call + Long.BYTES, arguments[node.index()].address());
    }

    /** The plan. */
    public Plan plan() {
        return plan;
    }

    /** The memory of an input, output or kept activation. Inputs must be written before each run: their memory is used again. */
    public MemorySegment segment(Tensor tensor) {
        if (tensor.isPart()) {
            throw new IllegalArgumentException(tensor + " is a part; ask for the tensor that it shows");
        }
        return arena.asSlice(plan.offset(tensor), tensor.bytes());
    }

    /** Runs all operators in order. */
    public void run() {
        if (trace == null) {
            context.run(calls, count, MemorySegment.NULL);
        } else {
            List<String> lines = trace.lines(this);
            context.run(calls, count, nanos);
            trace.print(this, lines);
        }
    }

    /**
     * Runs and measures.
     *
     * @return nanoseconds of each node
     */
    public long[] profile() {
        context.run(calls, count, nanos);
        return nanos.toArray(ValueLayout.JAVA_LONG);
    }

    /**
     * Runs node by node and stops at the first whose output is not finite.
     *
     * @return that node, or null if everything is finite
     */
    public Graph.@Nullable Node interpret() {
        for (Graph.Node node : plan.graph().nodes()) {
            context.run(calls.asSlice((long) node.index() * CALL_BYTES, CALL_BYTES), 1, MemorySegment.NULL);
            for (Tensor output : node.outputs()) {
                if (output.type() == DType.F32 && output.form() == Parameter.Form.PLAIN && !finite(segment(output))) {
                    return node;
                }
            }
        }
        return null;
    }

    private static boolean finite(MemorySegment values) {
        for (long i = 0; i < values.byteSize(); i += Float.BYTES) {
            if (!Float.isFinite(values.get(ValueLayout.JAVA_FLOAT, i))) {
                return false;
            }
        }
        return true;
    }

    Context context() {
        return context;
    }

    MemorySegment arguments(Graph.Node node) {
        return arguments[node.index()];
    }

    long nanos(Graph.Node node) {
        return nanos.getAtIndex(ValueLayout.JAVA_LONG, node.index());
    }

    @Override
    public void close() {
        memory.close();
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%s on %s", plan.graph().name(), context.isa());
    }
}
