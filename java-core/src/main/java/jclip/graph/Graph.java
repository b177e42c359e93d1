package jclip.graph;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import jclip.graph.op.Conv2dPack;
import jclip.graph.op.GemmPack;
import jclip.graph.op.Precision;

/**
 * A recorded computation: inputs, parameters, and operators in the order in which they run. An encoder is ordinary Java that calls these
 * methods; nothing is computed until the graph is {@linkplain Plan planned} and bound. Not thread-safe while recording.
 *
 * <p>A graph {@linkplain #training for training} reads parameters as the checkpoint has them, and packs them just before an operator that
 * wants them packed, since they change at every step. {@link Gradients} differentiates it.
 */
public final class Graph {
    /**
     * One operator with its outputs.
     *
     * @param index its place in the order of execution
     */
    public record Node(int index, Op op, List<Tensor> outputs) {
        List<Tensor> inputs() {
            return op.inputs().filter(Objects::nonNull).toList();
        }
    }

    /** Records a part of a network; it may be called again to compute the part's activations a second time. */
    public interface Body {
        Tensor record(Graph graph, Tensor x);
    }

    /**
     * A part whose inner activations can be computed again in the backward pass instead of being kept.
     *
     * @param first index of its first node
     * @param end index behind its last node
     */
    record Block(int first, int end, Tensor x, Tensor y, Body body) {}

    private final String name;
    private final boolean training;
    private final Precision precision;
    private final List<Block> blocks = new ArrayList<>();
    private final Map<Tensor, Tensor> gradients = new LinkedHashMap<>();
    private String prefix = "";
    private final Map<String, Tensor> inputs = new LinkedHashMap<>();
    private final Map<Parameter, Tensor> parameters = new LinkedHashMap<>();
    private final Map<String, Tensor> activations = new LinkedHashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final List<Tensor> outputs = new ArrayList<>();

    /** An empty graph; the name appears in messages. */
    public Graph(String name) {
        this(name, false, Precision.F32);
    }

    private Graph(String name, boolean training, Precision precision) {
        this.name = name;
        this.training = training;
        this.precision = precision;
    }

    /** An empty graph for training in fp32. */
    public static Graph training(String name) {
        return training(name, Precision.F32);
    }

    /** An empty graph for training, whose {@linkplain #weight products} are computed in a precision. */
    public static Graph training(String name, Precision precision) {
        return new Graph(name, true, precision);
    }

    /** In which products are computed. */
    public Precision precision() {
        return precision;
    }

    /** Whether this is for training: what a gradient needs is then recorded as a tensor of its own. */
    public boolean isTraining() {
        return training;
    }

    /** The same computation, to be recorded further. */
    Graph copy() {
        Graph copy = new Graph(name, training, precision);
        copy.inputs.putAll(inputs);
        copy.parameters.putAll(parameters);
        copy.activations.putAll(activations);
        copy.nodes.addAll(nodes);
        copy.outputs.addAll(outputs);
        return copy;
    }

    /** A value that the caller writes before each run. */
    public Tensor input(String inputName, DType type, long... shape) {
        Tensor tensor = Tensor.of(inputName, Tensor.Kind.INPUT, type, shape);
        if (inputs.putIfAbsent(inputName, tensor) != null || activations.containsKey(inputName)) {
            throw new IllegalArgumentException(name + ": a tensor named '" + inputName + "' exists");
        }
        return tensor;
    }

    /** A matrix for {@link jclip.graph.op.Gemm}, in the graph's {@link #precision}. */
    public Tensor weight(Parameter parameter) {
        return training && precision != Precision.F32 ? gemm(parameter, precision) : parameter(parameter);
    }

    private Tensor gemm(Parameter parameter, Precision chosen) {
        boolean transposed = parameter.form() == Parameter.Form.GEMM_TRANSPOSED;
        Tensor plain = parameter(parameter.unpacked());
        return packed(
                parameter, new GemmPack(plain, transposed, parameter.shape().get(0), chosen));
    }

    /** A model's tensor in the form that its operator wants. In a graph for training, packed forms are made by a node, in fp32. */
    public Tensor parameter(Parameter parameter) {
        if (!training) {
            return parameters.computeIfAbsent(parameter, Tensor::of);
        }
        return switch (parameter.form()) {
            case PLAIN, GRADIENT -> parameters.computeIfAbsent(parameter, Tensor::of);
            case GEMM, GEMM_TRANSPOSED -> gemm(parameter, Precision.F32);
            case CONVOLUTION -> packed(parameter, new Conv2dPack(parameter(parameter.unpacked()), false));
            case FOLDED_BIAS -> throw new IllegalArgumentException(parameter + " cannot be trained: it is derived");
        };
    }

    /** The first use gives the name; a second one (the part is recorded again) is packed again, and numbered. */
    private Tensor packed(Parameter parameter, Op pack) {
        return record(unused(parameter.toString()), pack);
    }

    /** This name, or the first numbered one that no tensor has. */
    String unused(String wanted) {
        String free = wanted;
        for (int i = 2; taken(prefix + free); i++) {
            free = wanted + "'" + i;
        }
        return free;
    }

    private boolean taken(String tensorName) {
        return activations.containsKey(tensorName) || inputs.containsKey(tensorName);
    }

    /** Records a part whose inner activations {@link Gradients} may compute again. */
    public Tensor block(Tensor x, Body body) {
        int first = nodes.size();
        Tensor y = body.record(this, x);
        blocks.add(new Block(first, nodes.size(), x, y, body));
        return y;
    }

    /** Records under names that begin so, until the scope is changed again. */
    void scope(String newPrefix) {
        prefix = newPrefix;
    }

    /**
     * In a graph that {@link Gradients} made: the gradient of an input for which one was wanted, an output.
     *
     * @throws IllegalArgumentException if none was
     */
    public Tensor gradient(Tensor input) {
        Tensor gradient = gradients.get(input.base());
        if (gradient == null) {
            throw new IllegalArgumentException(name + " has no gradient of " + input);
        }
        return gradient;
    }

    void gradient(Tensor input, Tensor gradient) {
        gradients.put(input.base(), gradient);
        output(gradient);
    }

    List<Block> blocks() {
        return List.copyOf(blocks);
    }

    /** Adds an operator that only changes what it is given (a gradient that accumulates, a parameter). */
    public void record(Op op) {
        record(List.of(), op);
    }

    /** Adds an operator of one output and names that output. */
    public Tensor record(String outputName, Op op) {
        return record(List.of(outputName), op).getFirst();
    }

    /** Adds an operator and names its outputs. */
    public List<Tensor> record(List<String> names, Op op) {
        List<Op.Output> made = op.outputs();
        if (made.size() != names.size()) {
            throw new IllegalArgumentException(op.operator() + " has " + made.size() + " outputs, named were " + names);
        }
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < made.size(); i++) {
            long[] shape =
                    made.get(i).shape().stream().mapToLong(Long::longValue).toArray();
            String full = prefix + names.get(i);
            if (taken(full)) {
                throw new IllegalArgumentException(name + ": a tensor named '" + full + "' exists");
            }
            Op.Output output = made.get(i);
            Tensor tensor = Tensor.of(full, Tensor.Kind.ACTIVATION, output.type(), output.form(), shape);
            activations.put(full, tensor);
            tensors.add(tensor);
        }
        nodes.add(new Node(nodes.size(), op, List.copyOf(tensors)));
        return tensors;
    }

    /** Keeps a tensor's values until the end of a run, so that the caller can read them. */
    public void output(Tensor tensor) {
        if (!outputs.contains(tensor)) {
            outputs.add(tensor);
        }
    }

    public String name() {
        return name;
    }

    /**
     * The input or activation of that name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public Tensor tensor(String tensorName) {
        Tensor tensor = activations.getOrDefault(tensorName, inputs.get(tensorName));
        if (tensor == null) {
            throw new IllegalArgumentException(name + " has no tensor '" + tensorName + "'");
        }
        return tensor;
    }

    /** Whether there is an input or activation of that name. */
    public boolean has(String tensorName) {
        return taken(tensorName);
    }

    public List<Tensor> inputs() {
        return List.copyOf(inputs.values());
    }

    public List<Tensor> parameters() {
        return List.copyOf(parameters.values());
    }

    public List<Tensor> activations() {
        return List.copyOf(activations.values());
    }

    public List<Tensor> outputs() {
        return List.copyOf(outputs);
    }

    public List<Node> nodes() {
        return List.copyOf(nodes);
    }
}
