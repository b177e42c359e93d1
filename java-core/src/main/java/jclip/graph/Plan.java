package jclip.graph;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import jclip.backend.Context;
import jclip.backend.Header;
import org.jspecify.annotations.Nullable;

/**
 * Where every activation and workspace of a graph lies in one arena: life times become offsets, each a multiple of 64 bytes, and an
 * operator works in place where it allows that and nobody reads the input later. {@link #bytes} is known before anything is allocated
 * and is kept. Immutable.
 */
public final class Plan {
    private static final long ALIGNMENT = 64;

    /** A range of the arena that one or more tensors (in place) use from node {@code first} to node {@code last}. */
    private static final class Block {
        final String name;
        final long bytes;
        final int first;
        int last;
        long offset = -1;

        Block(String name, long bytes, int first, int last) {
            this.name = name;
            this.bytes = bytes;
            this.first = first;
            this.last = last;
        }

        boolean overlaps(Block other) {
            return first <= other.last && other.first <= last;
        }
    }

    private final Graph graph;
    private final Map<Tensor, Block> blocks = new HashMap<>();
    private final @Nullable Block[] workspaces;
    private final long bytes;

    private Plan(Graph graph, Context context, Set<String> kept) {
        this.graph = graph;
        this.workspaces = new Block[graph.nodes().size()];
        Map<Tensor, Integer> lastUse = lastUse(kept);
        for (Tensor input : graph.inputs()) {
            blocks.put(input, new Block(input.name(), input.bytes(), 0, lastUse.getOrDefault(input, 0)));
        }
        for (Graph.Node node : graph.nodes()) {
            place(node, lastUse, context);
        }
        try (Arena scratch = Arena.ofConfined()) {
            for (Graph.Node node : graph.nodes()) {
                long size = workspaceBytes(node, context, scratch);
                if (size > 0) {
                    workspaces[node.index()] =
                            new Block("workspace of " + node.index(), size, node.index(), node.index());
                }
            }
        }
        this.bytes = assign();
    }

    /** Plans for the context's library and instruction set; all outputs of the graph are kept to the end. */
    public static Plan of(Graph graph, Context context) {
        return new Plan(graph, context, Set.of());
    }

    /** Plans so that the named activations, too, can be read after a run: for tests and for looking inside. */
    public static Plan keeping(Graph graph, Context context, Set<String> activations) {
        activations.forEach(graph::tensor);
        return new Plan(graph, context, activations);
    }

    private Map<Tensor, Integer> lastUse(Set<String> kept) {
        Map<Tensor, Integer> last = new HashMap<>();
        int end = graph.nodes().size();
        for (Graph.Node node : graph.nodes()) {
            for (Tensor input : node.inputs()) {
                last.put(input.base(), node.index());
            }
        }
        for (Tensor output : graph.outputs()) {
            last.put(output.base(), end);
        }
        for (String name : kept) {
            last.put(graph.tensor(name), end);
        }
        return last;
    }

    private static long bytes(Tensor tensor, Context context) {
        List<Long> shape = tensor.shape();
        return switch (tensor.form()) {
            case GEMM, GEMM_TRANSPOSED -> context.library().packedGemmBytes(context, shape.get(0), shape.get(1));
            case CONVOLUTION ->
                context.library().packedConvolutionBytes(context, shape.get(0), shape.get(1), shape.get(2));
            case PLAIN, FOLDED_BIAS, GRADIENT -> tensor.bytes();
        };
    }

    private void place(Graph.Node node, Map<Tensor, Integer> lastUse, Context context) {
        List<Op.Output> outputs = node.op().outputs();
        for (int i = 0; i < outputs.size(); i++) {
            Tensor tensor = node.outputs().get(i);
            int last = lastUse.getOrDefault(tensor, node.index());
            Tensor reused = outputs.get(i).reuses();
            if (reused != null && mayReuse(reused, tensor, node, lastUse)) {
                Block block = Objects.requireNonNull(blocks.get(reused.base()));
                block.last = Math.max(block.last, last);
                blocks.put(tensor, block);
            } else {
                blocks.put(tensor, new Block(tensor.name(), bytes(tensor, context), node.index(), last));
            }
        }
    }

    private static boolean mayReuse(Tensor reused, Tensor output, Graph.Node node, Map<Tensor, Integer> lastUse) {
        return !reused.isPart()
                && reused.kind() == Tensor.Kind.ACTIVATION
                && reused.bytes() == output.bytes()
                && reused.form() == output.form()
                && Objects.equals(lastUse.get(reused.base()), node.index());
    }

    /** The workspace query reads sizes only, so every address may be null here. */
    private static long workspaceBytes(Graph.Node node, Context context, Arena scratch) {
        if (node.op() instanceof Op.InJava || node.op() instanceof Op.Foreign) {
            return 0;
        }
        String operator = node.op().operator();
        Header.Struct struct = context.library().header().struct(operator);
        if (!struct.hasWorkspace()) {
            return 0;
        }
        MemorySegment args = scratch.allocate(struct.bytes(), Long.BYTES);
        node.op().write(new ArgumentStruct(struct, args, t -> 0), node.outputs());
        return context.library().workspace(operator, context, args);
    }

    /** Largest first, each at the lowest offset where it meets no block of its time. */
    private long assign() {
        List<Block> all = new ArrayList<>(Set.copyOf(blocks.values()));
        Arrays.stream(workspaces).filter(Objects::nonNull).forEach(all::add);
        all.sort(Comparator.comparingLong((Block b) -> -b.bytes)
                .thenComparingInt(b -> b.first)
                .thenComparing(b -> b.name));
        List<Block> placed = new ArrayList<>();
        long end = 0;
        for (Block block : all) {
            block.offset = lowest(block, placed);
            placed.add(block);
            end = Math.max(end, Math.addExact(block.offset, block.bytes));
        }
        return aligned(end);
    }

    private static long lowest(Block block, List<Block> placed) {
        List<Block> neighbours = placed.stream()
                .filter(block::overlaps)
                .sorted(Comparator.comparingLong(b -> b.offset))
                .toList();
        long offset = 0;
        for (Block neighbour : neighbours) {
            if (Math.addExact(offset, block.bytes) <= neighbour.offset) {
                break;
            }
            offset = Math.max(offset, aligned(neighbour.offset + neighbour.bytes));
        }
        return offset;
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    /** The graph that was planned. */
    public Graph graph() {
        return graph;
    }

    /** Bytes of the arena; a program needs no more. */
    public long bytes() {
        return bytes;
    }

    /** Offset of an input's or activation's first byte (of the base, for a view). */
    long offset(Tensor tensor) {
        Block block = blocks.get(tensor.base());
        if (block == null) {
            throw new IllegalArgumentException(graph.name() + " has no tensor " + tensor);
        }
        return block.offset;
    }

    long workspaceOffset(Graph.Node node) {
        Block block = workspaces[node.index()];
        return block == null ? 0 : block.offset;
    }

    long workspaceBytes(Graph.Node node) {
        Block block = workspaces[node.index()];
        return block == null ? 0 : block.bytes;
    }

    /** A table of all nodes: operator, outputs, bytes, place and life time. */
    public String print() {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "%s: %d operators, arena %,d bytes%n",
                graph.name(),
                graph.nodes().size(),
                bytes));
        for (Graph.Node node : graph.nodes()) {
            for (Tensor output : node.outputs()) {
                Block block = Objects.requireNonNull(blocks.get(output));
                text.append(String.format(
                        Locale.ROOT,
                        "%4d %-22s %-34s %,14d bytes at %,12d  life %d..%d%s%n",
                        node.index(),
                        node.op().operator(),
                        output,
                        output.bytes(),
                        block.offset,
                        node.index(),
                        block.last,
                        block.name.equals(output.name()) ? "" : "  in place of " + block.name));
            }
        }
        return text.toString();
    }

    /** One node in words: what it reads, where its result lies, and why. */
    public String explain(Graph.Node node) {
        StringBuilder text = new StringBuilder();
        text.append(node.index()).append(' ').append(node.op().operator()).append('\n');
        node.inputs().forEach(t -> text.append("  reads ").append(t).append('\n'));
        for (Tensor output : node.outputs()) {
            Block block = Objects.requireNonNull(blocks.get(output));
            text.append("  writes ").append(output).append(" at ").append(block.offset);
            text.append(
                    block.name.equals(output.name())
                            ? ""
                            : ", in place of " + block.name + ", which nobody reads later");
            text.append(", kept until node ").append(block.last).append('\n');
        }
        long scratch = workspaceBytes(node);
        return scratch == 0
                ? text.toString()
                : text.append("  workspace ").append(scratch).append(" bytes\n").toString();
    }
}
