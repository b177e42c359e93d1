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
    private final int[] inJava;
    private final ToLongFunction<Tensor> addresses;
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
        this.count = nodes.size();
        this.inJava = nodes.stream()
                .filter(n -> n.op() instanceof Op.InJava)
                .mapToInt(Graph.Node::index)
                .toArray();
        this.arguments = new MemorySegment[count];
        this.addresses = t -> address(t, parameters);
        long structs = nodes.stream().mapToLong(n -> struct(n).bytes()).sum();
        this.memory = NativeMemory.allocate((long) count * (CALL_BYTES + Long.BYTES) + structs);
        this.calls = memory.segment().asSlice(0, (long) count * CALL_BYTES);
        this.nanos = memory.segment().asSlice(calls.byteSize(), (long) count * Long.BYTES);
        try {
            writeAll(nodes);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
        this.trace = Trace.fromEnvironment();
    }

    private Header.Struct struct(Graph.Node node) {
        return switch (node.op()) {
            case Op.InJava java -> new Header.Struct(java.operator(), List.of());
            case Op.Foreign foreign -> foreign.arguments();
            default -> context.library().header().struct(node.op().operator());
        };
    }

    private void writeAll(List<Graph.Node> nodes) {
        long next = calls.byteSize() + nanos.byteSize();
        for (Graph.Node node : nodes) {
            Header.Struct struct = struct(node);
            arguments[node.index()] = memory.segment().asSlice(next, struct.bytes());
            next += struct.bytes();
            if (!(node.op() instanceof Op.InJava)) {
                write(node, struct);
            }
        }
    }

    private long address(Tensor tensor, ToLongFunction<Parameter> parameters) {
        long bytes = tensor.offset() * tensor.type().bytes();
        if (tensor.kind() == Tensor.Kind.PARAMETER) {
            return parameters.applyAsLong(tensor.parameter()) + bytes;
        }
        return arena.address() + plan.offset(tensor) + bytes;
    }

    private void write(Graph.Node node, Header.Struct struct) {
        ArgumentStruct args = new ArgumentStruct(struct, arguments[node.index()], addresses);
        node.op().write(args, node.outputs());
        if (struct.hasWorkspace()) {
            args.workspace(arena.address() + plan.workspaceOffset(node), plan.workspaceBytes(node));
        }
        args.complete();
        long call = (long) node.index() * CALL_BYTES;
        MemorySegment function = node.op() instanceof Op.Foreign foreign
                ? foreign.function()
                : context.library().operator(node.op().operator());
        calls.set(ValueLayout.JAVA_LONG, call, function.address());
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
            run(0, count, false);
        } else {
            List<String> lines = trace.lines(this);
            run(0, count, true);
            trace.print(this, lines);
        }
    }

    /** Nodes [first, end): native ones in as few calls as those in Java allow. */
    private void run(int first, int end, boolean timed) {
        int from = first;
        for (int java : inJava) {
            if (java >= first && java < end) {
                runNative(from, java, timed);
                long start = System.nanoTime();
                compute(plan.graph().nodes().get(java));
                nanos.setAtIndex(ValueLayout.JAVA_LONG, java, System.nanoTime() - start);
                from = java + 1;
            }
        }
        runNative(from, end, timed);
    }

    private void runNative(int first, int end, boolean timed) {
        if (first == 0 && end == count) {
            context.run(calls, count, timed ? nanos : MemorySegment.NULL);
        } else if (first < end) {
            MemorySegment part = calls.asSlice((long) first * CALL_BYTES, (long) (end - first) * CALL_BYTES);
            context.run(part, end - first, timed ? nanos.asSlice((long) first * Long.BYTES) : MemorySegment.NULL);
        }
    }

    private void compute(Graph.Node node) {
        List<MemorySegment> inputs = node.inputs().stream().map(this::memory).toList();
        List<MemorySegment> outputs = node.outputs().stream().map(this::memory).toList();
        ((Op.InJava) node.op()).compute(inputs, outputs);
    }

    /** An operator in Java sees dense tensors only. */
    @SuppressWarnings("restricted")
    private MemorySegment memory(Tensor tensor) {
        if (tensor.rowStride() != tensor.width()) {
            throw new IllegalArgumentException(tensor + " is a view of columns, which an operator in Java cannot read");
        }
        return MemorySegment.ofAddress(addresses.applyAsLong(tensor)).reinterpret(tensor.bytes());
    }

    /**
     * Runs and measures.
     *
     * @return nanoseconds of each node
     */
    public long[] profile() {
        run(0, count, true);
        return nanos.toArray(ValueLayout.JAVA_LONG);
    }

    /**
     * Runs node by node and stops at the first whose output is not finite.
     *
     * @return that node, or null if everything is finite
     */
    public Graph.@Nullable Node interpret() {
        for (Graph.Node node : plan.graph().nodes()) {
            run(node.index(), node.index() + 1, false);
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
