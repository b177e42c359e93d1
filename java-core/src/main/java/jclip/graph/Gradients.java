package jclip.graph;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import jclip.graph.op.Add;
import org.jspecify.annotations.Nullable;

/**
 * Differentiation, a function from graph to graph: the result holds the forward nodes and, behind them, nodes that compute gradients; it
 * prints, plans and runs like any other graph. Each operator's record says its own half in {@link Op#gradient}.
 *
 * <p>Gradients of parameters accumulate into {@link Parameter#gradient} tensors, which the program's owner holds and clears. A tensor that
 * several operators read gets the sum of their contributions. Nothing is recorded for what does not lead to something wanted.
 *
 * <p>Not thread-safe.
 */
public final class Gradients {
    /** What happens to activations that the backward pass needs. */
    public enum Keep {
        /** All are kept. */
        EVERYTHING,
        /** Of a {@linkplain Graph#block block} only the input is kept; the rest is computed again: less memory, one more forward pass. */
        BLOCK_INPUTS
    }

    private final Graph forward;
    private final Graph graph;
    private final Predicate<Parameter> trainable;
    private final Set<Tensor> wantedInputs;
    private final Set<Tensor> reaching = new HashSet<>();
    private final Map<Tensor, Tensor> gradients = new HashMap<>();
    private final Map<Tensor, Op> producers = new HashMap<>();
    private final Set<Tensor> roots = new HashSet<>();

    private Gradients(Graph forward, Predicate<Parameter> trainable, Set<Tensor> wantedInputs) {
        this.forward = forward;
        this.graph = forward.copy();
        this.trainable = trainable;
        this.wantedInputs = wantedInputs;
        forward.nodes().forEach(this::follow);
    }

    /**
     * Differentiates.
     *
     * @param forward a graph {@linkplain Graph#training for training}
     * @param roots what is differentiated. An operator whose output is the loss itself starts from it; for any other root the result has an
     *     input {@code d NAME}, the gradient that arrives there
     * @param trainable which parameters get gradients
     * @param wantedInputs inputs whose gradients become outputs of the result: {@link Graph#gradient}
     */
    public static Graph of(
            Graph forward, List<Tensor> roots, Predicate<Parameter> trainable, List<Tensor> wantedInputs, Keep keep) {
        Gradients gradients = new Gradients(forward, trainable, Set.copyOf(wantedInputs));
        for (Tensor root : roots) {
            gradients.start(root);
        }
        gradients.walk(keep);
        for (Tensor input : wantedInputs) {
            Tensor gradient = gradients.gradients.get(input.base());
            if (gradient == null) {
                throw new IllegalArgumentException(forward.name() + ": " + input + " does not reach " + roots);
            }
            gradients.graph.gradient(input, gradient);
        }
        return gradients.graph;
    }

    /** The name of the input that holds the gradient arriving at a root. */
    public static String name(Tensor tensor) {
        return "d " + tensor.name();
    }

    private void start(Tensor root) {
        if (!reaching.contains(root.base())) {
            throw new IllegalArgumentException(forward.name() + ": nothing that is trained or wanted leads to " + root);
        }
        roots.add(root.base());
        if (!(Objects.requireNonNull(producers.get(root.base())) instanceof Op.Loss)) {
            gradients.put(root.base(), graph.input(name(root), root.type(), sizes(root)));
        }
    }

    private static long[] sizes(Tensor tensor) {
        return tensor.shape().stream().mapToLong(Long::longValue).toArray();
    }

    /** Whether a node leads from something wanted is known as soon as it is recorded. */
    private void follow(Graph.Node node) {
        boolean reaches = node.inputs().stream().anyMatch(this::wanted);
        for (Tensor output : node.outputs()) {
            producers.put(output, node.op());
            if (reaches) {
                reaching.add(output);
            }
        }
    }

    private void walk(Keep keep) {
        Deque<Graph.Block> blocks = new ArrayDeque<>(keep == Keep.BLOCK_INPUTS ? forward.blocks() : List.of());
        List<Graph.Node> nodes = forward.nodes();
        for (int i = nodes.size() - 1; i >= 0; i--) {
            Graph.Block block = blocks.peekLast();
            if (block != null && i < block.end() && i >= block.first()) {
                again(blocks.removeLast());
                i = block.first();
            } else {
                visit(nodes.get(i));
            }
        }
    }

    /** Records a block a second time, from its input, and goes back through that. */
    private void again(Graph.Block block) {
        Tensor arriving = gradients.remove(block.y().base());
        if (arriving == null) {
            return;
        }
        int first = graph.nodes().size();
        graph.scope("again " + block.first() + " ");
        Tensor y = block.body().record(graph, block.x());
        graph.scope("");
        List<Graph.Node> repeated =
                new ArrayList<>(graph.nodes().subList(first, graph.nodes().size()));
        repeated.forEach(this::follow);
        gradients.put(y.base(), arriving);
        repeated.reversed().forEach(this::visit);
    }

    private void visit(Graph.Node node) {
        if (node.outputs().stream().anyMatch(t -> gradients.containsKey(t) || roots.contains(t))) {
            if (node.inputs().stream().anyMatch(this::wanted)) {
                node.op().gradient(node.outputs(), this);
            }
        }
    }

    /**
     * The gradient that arrives at an output.
     *
     * @throws IllegalStateException if none does, which for an operator of one output cannot be
     */
    public Tensor of(Tensor output) {
        Tensor gradient = gradients.get(output.base());
        if (gradient == null) {
            throw new IllegalStateException(forward.name() + ": no gradient arrives at " + output);
        }
        return shaped(gradient, output);
    }

    private static Tensor shaped(Tensor gradient, Tensor like) {
        return gradient.shape().equals(like.shape()) ? gradient : gradient.reshaped(sizes(like));
    }

    /** Whether an input's gradient is wanted, for a parameter, an input, or something before it. */
    public boolean wanted(Tensor input) {
        return switch (input.kind()) {
            case PARAMETER -> input.form() == Parameter.Form.PLAIN && trainable.test(input.parameter());
            case INPUT -> wantedInputs.contains(input.base());
            case ACTIVATION, WORKSPACE -> reaching.contains(input.base());
        };
    }

    /** What other operators contributed to this input's gradient so far, or null; who asks must include it in what he {@link #set}s. */
    public @Nullable Tensor pending(Tensor input) {
        whole(input);
        Tensor gradient = gradients.get(input.base());
        return gradient == null ? null : shaped(gradient, input);
    }

    /** Says an input's gradient, with what was {@link #pending}. */
    public void set(Tensor input, Tensor gradient) {
        whole(input);
        gradients.put(input.base(), gradient);
    }

    /** Adds a contribution to an input's gradient. */
    public void add(Tensor input, Tensor gradient) {
        Tensor pending = pending(input);
        set(input, pending == null ? gradient : record(input, new Add(pending, shaped(gradient, input))));
    }

    private static void whole(Tensor input) {
        if (input.isPart()) {
            throw new IllegalArgumentException(input + " is a part: gradients are of whole tensors");
        }
    }

    /** Where a plain parameter's gradient accumulates, or null if it is not trained. */
    public @Nullable Tensor parameter(@Nullable Tensor plain) {
        return plain != null && wanted(plain)
                ? graph.parameter(plain.parameter().gradient())
                : null;
    }

    /** The operator that made a tensor: for weights, the one that packed them. */
    public Op producer(Tensor tensor) {
        return Objects.requireNonNull(producers.get(tensor.base()), () -> tensor + " is not made by a node");
    }

    /** Records an operator with one output, named after the tensor whose gradient (or part of it) it computes. */
    public Tensor record(Tensor of, Op op) {
        return graph.record(graph.unused(name(of)), op);
    }

    /** Records an operator whose outputs are the gradients of these. */
    public List<Tensor> record(List<Tensor> of, Op op) {
        List<String> names = new ArrayList<>();
        for (Tensor each : of) {
            names.add(graph.unused(name(each)));
        }
        return graph.record(names, op);
    }

    /** Records an operator that only accumulates. */
    public void record(Op op) {
        graph.record(op);
    }
}
