package jclip.graph;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import jclip.backend.Context;
import jclip.backend.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * Whether an operator's {@link Op#gradient} is the derivative of what it computes: along random directions, against central differences.
 * Works for any operators recorded in a graph, a user's own ones as well.
 *
 * <p>Values are fp32, so that differences carry rounding noise of about 1e-4 of the output's size; a wrong or missing term is far larger.
 */
public final class GradientCheck {
    private static final double STEP = 1e-2;

    private final Graph forward;
    private final Tensor y;
    private final Context context;
    private final SplittableRandom random;
    private final Map<Parameter, NativeMemory> values = new HashMap<>();
    private final Map<Parameter, NativeMemory> gradients = new HashMap<>();
    private final Map<String, float[]> inputs = new HashMap<>();
    private float[] weights = new float[0];

    /**
     * One derivative.
     *
     * @param of the input or parameter
     * @param gradient along the direction, by the recorded gradient
     * @param difference along the direction, by central differences
     * @param error of the first, relative to the larger of the second and a hundredth of the result's size
     */
    public record Derivative(String of, double gradient, double difference, double error) {}

    private GradientCheck(Function<Graph, Tensor> record, Context context, long seed) {
        this.forward = Graph.training("gradient check");
        this.y = record.apply(forward);
        this.context = context;
        this.random = new SplittableRandom(seed);
        forward.output(y);
    }

    /**
     * Checks every fp32 input and plain parameter of a small graph.
     *
     * @param record records inputs, parameters and operators, and returns the result that is differentiated (not a loss). Inputs of
     *     other types hold zeros
     */
    public static List<Derivative> of(Function<Graph, Tensor> record, Context context, long seed) {
        GradientCheck check = new GradientCheck(record, context, seed);
        try {
            return check.derivatives();
        } finally {
            check.values.values().forEach(NativeMemory::close);
            check.gradients.values().forEach(NativeMemory::close);
        }
    }

    private List<Derivative> derivatives() {
        List<Tensor> wanted =
                forward.inputs().stream().filter(t -> t.type() == DType.F32).toList();
        wanted.forEach(t -> inputs.put(t.name(), random(t.elements())));
        for (Tensor tensor : forward.parameters()) {
            values.put(tensor.parameter(), filled(random(tensor.elements())));
            gradients.put(tensor.parameter().gradient(), filled(new float[(int) tensor.elements()]));
        }
        weights = random(y.elements());
        List<float[]> analytic = analytic(wanted);
        List<Derivative> derivatives = new ArrayList<>();
        for (int i = 0; i < wanted.size(); i++) {
            String name = wanted.get(i).name();
            float[] at = Objects.requireNonNull(inputs.get(name));
            derivatives.add(along(name, at, analytic.get(i), null));
        }
        for (Tensor tensor : forward.parameters()) {
            NativeMemory memory = Objects.requireNonNull(values.get(tensor.parameter()));
            float[] gradient = Objects.requireNonNull(
                            gradients.get(tensor.parameter().gradient()))
                    .segment()
                    .toArray(ValueLayout.JAVA_FLOAT);
            float[] at = memory.segment().toArray(ValueLayout.JAVA_FLOAT);
            derivatives.add(along(tensor.name(), at, gradient, memory.segment()));
        }
        return derivatives;
    }

    private float[] random(long count) {
        float[] numbers = new float[Math.toIntExact(count)];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) (2 * random.nextDouble() - 1);
        }
        return numbers;
    }

    private static NativeMemory filled(float[] numbers) {
        NativeMemory memory = NativeMemory.allocate((long) numbers.length * Float.BYTES);
        MemorySegment.copy(numbers, 0, memory.segment(), ValueLayout.JAVA_FLOAT, 0, numbers.length);
        return memory;
    }

    private List<float[]> analytic(List<Tensor> wanted) {
        Graph both = Gradients.of(forward, List.of(y), p -> true, wanted, Gradients.Keep.EVERYTHING);
        return run(both, wanted.stream().map(both::gradient).toList(), true);
    }

    private List<float[]> run(Graph graph, List<Tensor> wanted, boolean backward) {
        Plan plan = Plan.of(graph, context);
        List<float[]> results = new ArrayList<>();
        try (NativeMemory arena = NativeMemory.allocate(plan.bytes());
                Program program = new Program(plan, context, arena.segment(), this::address)) {
            inputs.forEach((name, numbers) -> MemorySegment.copy(
                    numbers, 0, program.segment(graph.tensor(name)), ValueLayout.JAVA_FLOAT, 0, numbers.length));
            if (backward) {
                MemorySegment arriving = program.segment(graph.tensor(Gradients.name(y)));
                MemorySegment.copy(weights, 0, arriving, ValueLayout.JAVA_FLOAT, 0, weights.length);
            }
            program.run();
            for (Tensor tensor : wanted) {
                results.add(program.segment(tensor.base()).toArray(ValueLayout.JAVA_FLOAT));
            }
        }
        return results;
    }

    private long address(Parameter parameter) {
        NativeMemory memory = values.containsKey(parameter) ? values.get(parameter) : gradients.get(parameter);
        return Objects.requireNonNull(memory, parameter::toString).segment().address();
    }

    /** The weighted sum of the result, in double precision. */
    private double[] sum() {
        float[] result = run(forward, List.of(y), false).getFirst();
        double sum = 0;
        double size = 0;
        for (int i = 0; i < result.length; i++) {
            sum += (double) weights[i] * result[i];
            size += Math.abs((double) weights[i] * result[i]);
        }
        return new double[] {sum, size};
    }

    /**
     * @param at where the values are: an input's array, or a copy of the parameter's
     * @param parameter the parameter's memory, or null for an input
     */
    private Derivative along(String name, float[] at, float[] gradient, @Nullable MemorySegment parameter) {
        float[] direction = random(at.length);
        float[] start = at.clone();
        double expected = 0;
        double[][] sums = new double[2][];
        double[] moved = new double[at.length];
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < at.length; i++) {
                float value = (float) (start[i] + (side == 0 ? STEP : -STEP) * direction[i]);
                moved[i] += side == 0 ? value : -value;
                at[i] = value;
            }
            if (parameter != null) {
                MemorySegment.copy(at, 0, parameter, ValueLayout.JAVA_FLOAT, 0, at.length);
            }
            sums[side] = sum();
        }
        System.arraycopy(start, 0, at, 0, at.length);
        if (parameter != null) {
            MemorySegment.copy(at, 0, parameter, ValueLayout.JAVA_FLOAT, 0, at.length);
        }
        for (int i = 0; i < at.length; i++) {
            expected += gradient[i] * moved[i]; // the distance that fp32 really moved
        }
        double difference = sums[0][0] - sums[1][0];
        double size = Math.max(Math.abs(difference), STEP * sums[0][1] / 100);
        return new Derivative(name, expected, difference, Math.abs(expected - difference) / size);
    }
}
