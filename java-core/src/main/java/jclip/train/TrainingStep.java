package jclip.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import jclip.backend.Context;
import jclip.backend.NativeMemory;
import jclip.checkpoint.Architecture;
import jclip.graph.Gradients;
import jclip.graph.Graph;
import jclip.graph.Parameter;
import jclip.graph.Plan;
import jclip.graph.Program;
import jclip.graph.Tensor;
import jclip.graph.op.ContrastiveLoss;
import jclip.model.Packing;
import jclip.model.Training;
import org.jspecify.annotations.Nullable;

/**
 * One training step, computed: both towers, the loss over all pairs, gradients, AdamW. The same bits whatever the number of threads. Not
 * thread-safe.
 */
public final class TrainingStep implements AutoCloseable {
    /** Token capacities are multiples of this. */
    private static final int TOKEN_STEP = 32;

    /**
     * What a step came to.
     *
     * @param loss before the update
     * @param gradientNorm of all gradients together, before clipping
     * @param clipFactor by which gradients were multiplied, at most 1
     * @param logitScale the parameter after the update
     */
    public record Result(double loss, double gradientNorm, double clipFactor, double logitScale) {}

    /**
     * A batch.
     *
     * @param pixels float32 [batch, 3, size, size], normalised
     * @param tokens [batch, context]: start, words, end, padding
     * @param kept with patch dropout: [batch, keptPatches], patches of each picture counted from 0
     */
    public record Batch(MemorySegment pixels, int[] tokens, int @Nullable [] kept) {}

    private final Architecture architecture;
    private final Storage storage;
    private final Context context;
    private final StepSettings settings;
    private final Packing packing;
    private final Optimiser optimiser;
    private final NativeMemory arena;
    private final NativeMemory features;
    private final Map<Integer, Program> direct = new HashMap<>();
    private final Map<Integer, Program> encoders = new HashMap<>();
    private final Map<Integer, Program> backward = new HashMap<>();
    private final Map<Integer, Program> validation = new HashMap<>();
    private final @Nullable Program loss;

    /**
     * Plans a step.
     *
     * @param storage holds every tensor of the architecture, {@code logit_scale} and, for the sigmoid loss, {@code logit_bias}
     * @param scale factor of each trained tensor's learning rate, by name
     * @param decay weight decay of each trained tensor, by name
     */
    public TrainingStep(
            Architecture architecture,
            Storage storage,
            Context context,
            StepSettings settings,
            ToDoubleFunction<String> scale,
            ToDoubleFunction<String> decay) {
        this.architecture = architecture;
        this.storage = storage;
        this.context = context;
        this.settings = settings;
        this.packing = new Packing(architecture.text(), settings.chunk(), settings.cutText());
        int most = capacity(settings.chunk() * architecture.text().contextLength());
        Plan largest = Plan.of(settings.chunks() == 1 ? directGraph(most) : backwardGraph(most), context);
        Plan lossPlan = settings.chunks() == 1 ? null : Plan.of(lossGraph(), context);
        long bytes = Math.max(
                largest.bytes(), Plan.of(validationGraph(most), context).bytes());
        this.arena = NativeMemory.allocate(Math.max(bytes, lossPlan == null ? 0 : lossPlan.bytes()));
        this.loss = lossPlan == null ? null : program(lossPlan);
        long rows = (long) settings.batch() * architecture.embedDim() * Float.BYTES;
        this.features = NativeMemory.allocate(4 * rows);
        this.optimiser = new Optimiser(storage, context, settings.optimiser(), scale, decay);
    }

    private static int capacity(int tokens) {
        int step = Math.max(TOKEN_STEP, Integer.highestOneBit(tokens) / 4);
        return Math.ceilDiv(tokens, step) * step;
    }

    private boolean trained(Parameter parameter) {
        return storage.isTrained(parameter.name());
    }

    private Tensor image(Graph graph) {
        return Training.image(
                graph, architecture, settings.chunk(), settings.frozenStatistics(), settings.keptPatches());
    }

    private Tensor text(Graph graph, int tokens) {
        return Training.text(graph, architecture, settings.chunk(), tokens);
    }

    private Tensor loss(Graph graph, Tensor image, Tensor text) {
        Tensor scale = graph.parameter(Parameter.plain("logit_scale", 1));
        Tensor bias = settings.loss() == ContrastiveLoss.Kind.SIGMOID
                ? graph.parameter(Parameter.plain("logit_bias", 1))
                : null;
        ContrastiveLoss op = new ContrastiveLoss(image, text, scale, bias, settings.loss());
        Tensor value = graph.record(List.of("loss", "statistics"), op).getFirst();
        graph.output(value);
        return value;
    }

    /** Everything at once: forward, loss, backward. */
    private Graph directGraph(int tokens) {
        Graph graph =
                Graph.training("step of " + settings.batch() + " pairs, " + tokens + " tokens", settings.precision());
        Tensor image = image(graph);
        Tensor text = text(graph, tokens);
        graph.output(image);
        graph.output(text);
        Tensor value = loss(graph, image, text);
        return Gradients.of(graph, List.of(value), this::trained, List.of(), settings.keep());
    }

    private Graph encoderGraph(int tokens) {
        Graph graph = Graph.training(
                "features of " + settings.chunk() + " pairs, " + tokens + " tokens", settings.precision());
        graph.output(image(graph));
        graph.output(text(graph, tokens));
        return graph;
    }

    /** The loss alone, batch normalisations with their running statistics: changes nothing. */
    private Graph validationGraph(int tokens) {
        Graph graph = Graph.training(
                "validation of " + settings.chunk() + " pairs, " + tokens + " tokens", settings.precision());
        Tensor image = Training.image(graph, architecture, settings.chunk(), true, 0);
        loss(graph, image, text(graph, tokens));
        return graph;
    }

    private Graph lossGraph() {
        Graph graph = Graph.training("loss of " + settings.batch() + " pairs", settings.precision());
        Tensor image = graph.input("image_embeds", jclip.graph.DType.F32, settings.batch(), architecture.embedDim());
        Tensor text = graph.input("text_embeds", jclip.graph.DType.F32, settings.batch(), architecture.embedDim());
        Tensor value = loss(graph, image, text);
        return Gradients.of(graph, List.of(value), this::trained, List.of(image, text), settings.keep());
    }

    /** A chunk with gradients arriving at its features; a tower without trained parameters is left out. */
    private Graph backwardGraph(int tokens) {
        Graph graph = Graph.training(
                "gradients of " + settings.chunk() + " pairs, " + tokens + " tokens", settings.precision());
        List<Tensor> roots = new ArrayList<>();
        Tensor image = image(graph);
        Tensor text = text(graph, tokens);
        if (anyTrained(true)) {
            roots.add(image);
        }
        if (anyTrained(false)) {
            roots.add(text);
        }
        return Gradients.of(graph, roots, this::trained, List.of(), settings.keep());
    }

    private boolean anyTrained(boolean visual) {
        return storage.trained().stream()
                .map(Storage.Place::name)
                .anyMatch(name -> name.startsWith("visual.") == visual && !name.startsWith("logit_"));
    }

    private Program program(Plan plan) {
        return new Program(plan, context, arena.segment(), storage::address);
    }

    /** Steps made so far: they count in AdamW's bias correction. */
    public void steps(long made) {
        optimiser.steps(made);
    }

    /**
     * Computes gradients and updates the parameters.
     *
     * @param averageDecay of the moving average, if the storage keeps one
     * @throws NonFiniteException if loss or gradients are not finite; parameters and moments are then as before
     */
    public Result run(Batch batch, double learningRate, double averageDecay) {
        double value = gradients(batch);
        Optimiser.Norm norm = optimiser.norm();
        if (!Double.isFinite(value) || !Double.isFinite(norm.norm())) {
            throw new NonFiniteException(value, norm.norm(), culprit(batch));
        }
        optimiser.update(learningRate, averageDecay);
        float scale = storage.values("logit_scale").get(ValueLayout.JAVA_FLOAT, 0);
        return new Result(value, norm.norm(), norm.factor(), scale);
    }

    /** Sets the gradients of all trained parameters, for {@link Storage#gradient}; returns the loss. */
    public double gradients(Batch batch) {
        storage.block("gradients").fill((byte) 0);
        return settings.chunks() == 1 ? direct(batch) : chunked(batch);
    }

    /**
     * The loss of the first chunk of a batch, without gradients, patch dropout or changes of running statistics.
     *
     * @param batch at least a chunk; {@code kept} is not read
     */
    public double validate(Batch batch) {
        Program program = prepared(validation, batch, 0, this::validationGraph);
        program.run();
        return program.segment(program.plan().graph().tensor("loss")).get(ValueLayout.JAVA_FLOAT, 0);
    }

    private double direct(Batch batch) {
        Program program = prepared(direct, batch, 0, this::directGraph);
        program.run();
        copyOut(program, "image_embeds", 0, 0);
        copyOut(program, "text_embeds", 1, 0);
        return program.segment(program.plan().graph().tensor("loss")).get(ValueLayout.JAVA_FLOAT, 0);
    }

    private interface Recording {
        Graph graph(int tokens);
    }

    /** The program for a chunk's number of tokens, its inputs written. */
    private Program prepared(Map<Integer, Program> programs, Batch batch, int chunk, Recording recording) {
        int total = packing.measure(batch.tokens(), chunk * settings.chunk(), settings.chunk());
        int tokens = capacity(total);
        Program program = programs.get(tokens);
        if (program == null) {
            program = program(Plan.of(recording.graph(tokens), context));
            programs.put(tokens, program);
        }
        Graph graph = program.plan().graph();
        MemorySegment[] inputs = new MemorySegment[Training.TEXT_INPUTS.size()];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = program.segment(graph.tensor(Training.TEXT_INPUTS.get(i)));
        }
        packing.write(inputs, batch.tokens());
        MemorySegment pixels = program.segment(graph.tensor("pixels"));
        MemorySegment.copy(batch.pixels(), chunk * pixels.byteSize(), pixels, 0, pixels.byteSize());
        if (graph.has("kept")) {
            writeKept(program.segment(graph.tensor("kept")), batch, chunk);
        }
        return program;
    }

    /** Rows of the embedded tokens: each picture's class token, then its kept patches. */
    private void writeKept(MemorySegment to, Batch batch, int chunk) {
        int kept = settings.keptPatches();
        int[] patches = java.util.Objects.requireNonNull(batch.kept(), "patch dropout wants the kept patches");
        int tokens = 1
                + ((Architecture.Vit) architecture.vision()).grid() * ((Architecture.Vit) architecture.vision()).grid();
        long at = 0;
        for (int i = 0; i < settings.chunk(); i++) {
            to.setAtIndex(ValueLayout.JAVA_INT, at++, i * tokens);
            for (int k = 0; k < kept; k++) {
                int patch = patches[(chunk * settings.chunk() + i) * kept + k];
                to.setAtIndex(ValueLayout.JAVA_INT, at++, i * tokens + 1 + patch);
            }
        }
    }

    private double chunked(Batch batch) {
        for (int chunk = 0; chunk < settings.chunks(); chunk++) {
            Program encode = prepared(encoders, batch, chunk, this::encoderGraph);
            encode.run();
            copyOut(encode, "image_embeds", 0, chunk);
            copyOut(encode, "text_embeds", 1, chunk);
        }
        double value = lossOfAll();
        for (int chunk = 0; chunk < settings.chunks(); chunk++) {
            Program back = prepared(backward, batch, chunk, this::backwardGraph);
            copyIn(back, "d image_embeds", 2, chunk);
            copyIn(back, "d text_embeds", 3, chunk);
            back.run();
        }
        return value;
    }

    private double lossOfAll() {
        Program program = java.util.Objects.requireNonNull(loss);
        Graph graph = program.plan().graph();
        MemorySegment.copy(all(0), 0, program.segment(graph.tensor("image_embeds")), 0, all(0).byteSize());
        MemorySegment.copy(all(1), 0, program.segment(graph.tensor("text_embeds")), 0, all(1).byteSize());
        program.run();
        all(2).copyFrom(program.segment(graph.gradient(graph.tensor("image_embeds"))));
        all(3).copyFrom(program.segment(graph.gradient(graph.tensor("text_embeds"))));
        if (settings.summedScaleGradient()) {
            multiply("logit_scale");
            if (settings.loss() == ContrastiveLoss.Kind.SIGMOID) {
                multiply("logit_bias");
            }
        }
        return program.segment(graph.tensor("loss")).get(ValueLayout.JAVA_FLOAT, 0);
    }

    private void multiply(String name) {
        if (storage.isTrained(name)) {
            MemorySegment gradient = storage.gradient(name);
            gradient.set(ValueLayout.JAVA_FLOAT, 0, gradient.get(ValueLayout.JAVA_FLOAT, 0) * settings.chunks());
        }
    }

    /** Features of all pairs and their gradients: image, text, d image, d text. */
    private MemorySegment all(int which) {
        long bytes = features.segment().byteSize() / 4;
        return features.segment().asSlice(which * bytes, bytes);
    }

    private MemorySegment rows(int which, int chunk) {
        long bytes = all(which).byteSize() / settings.chunks();
        return all(which).asSlice(chunk * bytes, bytes);
    }

    private void copyOut(Program program, String name, int which, int chunk) {
        rows(which, chunk).copyFrom(program.segment(program.plan().graph().tensor(name)));
    }

    private void copyIn(Program program, String name, int which, int chunk) {
        if (program.plan().graph().has(name)) {
            program.segment(program.plan().graph().tensor(name)).copyFrom(rows(which, chunk));
        }
    }

    /** Runs again node by node: the first tensor that is not finite, or the first such parameter or gradient. */
    private String culprit(Batch batch) {
        for (Storage.Place place : storage.places()) {
            if (!finite(storage.values(place.name()))) {
                return "parameter " + place.name();
            }
        }
        if (settings.chunks() == 1) {
            Graph.Node node = prepared(direct, batch, 0, this::directGraph).interpret();
            if (node != null) {
                return node.op().operator() + " " + node.outputs();
            }
        }
        for (Storage.Place place : storage.trained()) {
            if (!finite(storage.gradient(place.name()))) {
                return "gradient of " + place.name();
            }
        }
        return "no single tensor: the sum of squares of the gradients overflows";
    }

    private static boolean finite(MemorySegment values) {
        for (long i = 0; i < values.byteSize(); i += Float.BYTES) {
            if (!Float.isFinite(values.get(ValueLayout.JAVA_FLOAT, i))) {
                return false;
            }
        }
        return true;
    }

    /** The unit-length image features of the last step's first forward pass: float32 [batch, embedDim]. */
    public MemorySegment imageEmbeds() {
        return all(0);
    }

    /** The unit-length text features, alike. */
    public MemorySegment textEmbeds() {
        return all(1);
    }

    /** Bytes of the arena for activations: the plan's promise. */
    public long arenaBytes() {
        return arena.segment().byteSize();
    }

    @Override
    public void close() {
        for (Map<Integer, Program> programs : List.of(direct, encoders, backward, validation)) {
            programs.values().forEach(Program::close);
        }
        if (loss != null) {
            loss.close();
        }
        optimiser.close();
        features.close();
        arena.close();
    }
}
