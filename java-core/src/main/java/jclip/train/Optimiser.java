package jclip.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.ToDoubleFunction;
import jclip.backend.Context;
import jclip.backend.NativeMemory;
import jclip.graph.DType;
import jclip.graph.Graph;
import jclip.graph.Parameter;
import jclip.graph.Plan;
import jclip.graph.Program;
import jclip.graph.Tensor;
import jclip.graph.op.AdamW;
import jclip.graph.op.Clamp;
import jclip.graph.op.GradientNorm;
import jclip.graph.op.MovingAverage;

/**
 * AdamW (Loshchilov and Hutter; decoupled decay) over all trained tensors at once, gradient clipping, the clamp of the logit scale, and the
 * moving average of the parameters. Not thread-safe.
 */
public final class Optimiser implements AutoCloseable {
    /** The paper's limit: logits are never scaled by more than 100. */
    private static final double LARGEST_LOGIT_SCALE = Math.log(100);

    /**
     * Length of all gradients together, and the factor that clipping gives.
     *
     * @param norm before clipping
     * @param factor at most 1
     */
    public record Norm(double norm, double factor) {}

    /**
     * What stays the same from step to step.
     *
     * @param beta1 decay of the first moment
     * @param beta2 decay of the second moment
     * @param epsilon added to the second moment's root
     * @param maximumNorm gradients are scaled down to this norm of all of them together; 0: never
     */
    public record Settings(double beta1, double beta2, double epsilon, double maximumNorm) {}

    private final Storage storage;
    private final Settings settings;
    private final List<Storage.Place> trained;
    private final double[] scales;
    private final double[] decays;
    private final NativeMemory arena;
    private final Program norm;
    private final Program update;
    private long steps;
    private Norm clip = new Norm(0, 1);

    /**
     * Plans the update.
     *
     * @param scale factor of each trained tensor's learning rate, by name
     * @param decay weight decay of each trained tensor, by name
     */
    public Optimiser(
            Storage storage,
            Context context,
            Settings settings,
            ToDoubleFunction<String> scale,
            ToDoubleFunction<String> decay) {
        this.storage = storage;
        this.settings = settings;
        this.trained = storage.trained();
        this.scales =
                trained.stream().mapToDouble(p -> scale.applyAsDouble(p.name())).toArray();
        this.decays =
                trained.stream().mapToDouble(p -> decay.applyAsDouble(p.name())).toArray();
        Plan normPlan = Plan.of(normGraph(), context);
        Plan updatePlan = Plan.of(updateGraph(), context);
        this.arena = NativeMemory.allocate(Math.max(normPlan.bytes(), updatePlan.bytes()));
        this.norm = new Program(normPlan, context, arena.segment(), storage::address);
        this.update = new Program(updatePlan, context, arena.segment(), storage::address);
    }

    private Tensor block(Graph graph, String name) {
        return graph.parameter(Parameter.plain(name, storage.trainedElements()));
    }

    private Graph normGraph() {
        Graph graph = Graph.training("gradient norm");
        graph.output(graph.record("norm", new GradientNorm(block(graph, "gradients"), settings.maximumNorm())));
        return graph;
    }

    private Graph updateGraph() {
        Graph graph = Graph.training("AdamW");
        Tensor first = graph.input("first", DType.I64, trained.size() + 1);
        Tensor scale = graph.input("scale", DType.F64, trained.size());
        Tensor decay = graph.input("decay", DType.F64, trained.size());
        Tensor step = graph.input("step", DType.F64, 3);
        Tensor clip = graph.input("clip", DType.F64, 2);
        Tensor average = graph.input("average_decay", DType.F64, 1);
        Tensor values = block(graph, "values");
        graph.record(new AdamW(
                values,
                block(graph, "gradients"),
                block(graph, "first_moments"),
                block(graph, "second_moments"),
                first,
                scale,
                decay,
                step,
                clip,
                settings.beta1(),
                settings.beta2(),
                settings.epsilon()));
        if (storage.has("logit_scale") && storage.isTrained("logit_scale")) {
            graph.record(new Clamp(graph.parameter(Parameter.plain("logit_scale", 1)), 0, LARGEST_LOGIT_SCALE));
        }
        if (storage.isAveraged()) {
            graph.record(new MovingAverage(block(graph, "average"), values, average));
        }
        return graph;
    }

    /** Steps made so far; they count in AdamW's bias correction. */
    public void steps(long made) {
        steps = made;
    }

    /** Measures the gradients. */
    public Norm norm() {
        norm.run();
        MemorySegment values = norm.segment(norm.plan().graph().tensor("norm"));
        clip = new Norm(values.get(ValueLayout.JAVA_DOUBLE, 0), values.get(ValueLayout.JAVA_DOUBLE, Double.BYTES));
        return clip;
    }

    /**
     * Updates with the gradients as they are, scaled by the last {@link #norm}'s factor.
     *
     * @param averageDecay of the moving average, if the storage keeps one
     */
    public void update(double learningRate, double averageDecay) {
        steps++;
        Graph graph = update.plan().graph();
        MemorySegment first = update.segment(graph.tensor("first"));
        for (int i = 0; i < trained.size(); i++) {
            first.setAtIndex(ValueLayout.JAVA_LONG, i, trained.get(i).first());
        }
        first.setAtIndex(ValueLayout.JAVA_LONG, trained.size(), storage.trainedElements());
        write("scale", scales);
        write("decay", decays);
        write("step", learningRate, 1 - Math.pow(settings.beta1(), steps), 1 - Math.pow(settings.beta2(), steps));
        write("clip", clip.norm, clip.factor);
        write("average_decay", averageDecay);
        update.run();
    }

    private void write(String input, double... values) {
        MemorySegment to = update.segment(update.plan().graph().tensor(input));
        MemorySegment.copy(values, 0, to, ValueLayout.JAVA_DOUBLE, 0, values.length);
    }

    @Override
    public void close() {
        norm.close();
        update.close();
        arena.close();
    }
}
