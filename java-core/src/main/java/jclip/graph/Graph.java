package jclip.graph;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A recorded computation: inputs, parameters, and operators in the order in which they run. An encoder is ordinary Java that calls these
 * methods; nothing is computed until the graph is {@linkplain Plan planned} and bound. Not thread-safe while recording.
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

    private final String name;
    private final Map<String, Tensor> inputs = new LinkedHashMap<>();
    private final Map<Parameter, Tensor> parameters = new LinkedHashMap<>();
    private final Map<String, Tensor> activations = new LinkedHashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final List<Tensor> outputs = new ArrayList<>();

    /** An empty graph; the name appears in messages. */
    public Graph(String name) {
        this.name = name;
    }

    /** A value that the caller writes before each run. */
    public Tensor input(String inputName, DType type, long... shape) {
        Tensor tensor = Tensor.of(inputName, Tensor.Kind.INPUT, type, shape);
        if (inputs.putIfAbsent(inputName, tensor) != null || activations.containsKey(inputName)) {
            throw new IllegalArgumentException(name + ": a tensor named '" + inputName + "' exists");
        }
        return tensor;
    }

    /** A model's tensor; the same parameter gives the same handle. */
    public Tensor parameter(Parameter parameter) {
        return parameters.computeIfAbsent(parameter, Tensor::of);
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
            Tensor tensor =
                    Tensor.of(names.get(i), Tensor.Kind.ACTIVATION, made.get(i).type(), shape);
            if (activations.putIfAbsent(names.get(i), tensor) != null || inputs.containsKey(names.get(i))) {
                throw new IllegalArgumentException(name + ": a tensor named '" + names.get(i) + "' exists");
            }
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
