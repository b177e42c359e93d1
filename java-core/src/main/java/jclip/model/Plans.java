package jclip.model;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import jclip.backend.Context;
import jclip.checkpoint.Architecture;
import jclip.graph.Graph;
import jclip.graph.Parameter;
import jclip.graph.Plan;
import jclip.graph.Tensor;

/** A model's towers, recorded and planned once for each shape bucket, at its first use. Safe for many threads. */
final class Plans {
    /** Token capacities are multiples of this. */
    private static final int TOKEN_STEP = 8;

    private final Architecture architecture;
    private final Shortcuts shortcuts;
    private final int largestBatch;
    private final Context context;
    private final Map<Integer, Plan> images = new ConcurrentHashMap<>();
    private final Map<Long, Plan> texts = new ConcurrentHashMap<>();

    /**
     * Plans for a context's library.
     *
     * @param largestBatch a power of two
     */
    Plans(Architecture architecture, Shortcuts shortcuts, int largestBatch, Context context) {
        this.architecture = architecture;
        this.shortcuts = shortcuts;
        this.largestBatch = largestBatch;
        this.context = context;
    }

    /** Pictures of the next run when {@code remaining} are left: the largest bucket that is full, so that nothing is padded. */
    int imageBucket(int remaining) {
        return Integer.highestOneBit(Math.min(remaining, largestBatch));
    }

    /** Texts of a run are padded to a power of two by the live count: an empty place costs nothing. */
    int textBucket(int count) {
        return Math.min(largestBatch, count == 1 ? 1 : Integer.highestOneBit(count - 1) << 1);
    }

    /** Capacities rise by a quarter of the power of two below them, so that at most a fifth of the rows is empty. */
    static int tokenBucket(int tokens) {
        int step = Math.max(TOKEN_STEP, Integer.highestOneBit(tokens) / 4);
        return Math.ceilDiv(tokens, step) * step;
    }

    boolean cutText() {
        return shortcuts.cutText();
    }

    Architecture architecture() {
        return architecture;
    }

    int imageBuckets() {
        return imageIndex(largestBatch) + 1;
    }

    int imageIndex(int batch) {
        return Integer.numberOfTrailingZeros(batch);
    }

    int textBuckets() {
        return imageBuckets() * tokenBuckets();
    }

    int textIndex(int sequences, int tokens) {
        return imageIndex(sequences) * tokenBuckets() + tokens / TOKEN_STEP;
    }

    private int tokenBuckets() {
        return tokenBucket(largestBatch * architecture.text().contextLength()) / TOKEN_STEP + 1;
    }

    int largestBatch() {
        return largestBatch;
    }

    Plan image(int batch) {
        return images.computeIfAbsent(batch, b -> Plan.of(imageGraph(b), context));
    }

    Plan text(int sequences, int tokens) {
        return texts.computeIfAbsent(
                ((long) sequences << 32) | tokens, key -> Plan.of(textGraph(sequences, tokens), context));
    }

    /** Bytes of an arena in which every bucket fits. */
    long arenaBytes() {
        int tokens = tokenBucket(largestBatch * architecture.text().contextLength());
        return Math.max(image(largestBatch).bytes(), text(largestBatch, tokens).bytes());
    }

    List<Parameter> parameters() {
        List<Tensor> tensors = new java.util.ArrayList<>(image(1).graph().parameters());
        tensors.addAll(text(1, TOKEN_STEP).graph().parameters());
        return tensors.stream().map(Tensor::parameter).toList();
    }

    Graph imageGraph(int batch) {
        return switch (architecture.vision()) {
            case Architecture.Vit vit -> VisionTransformer.record(architecture, vit, batch, shortcuts);
            case Architecture.ResNet net -> ModifiedResNet.record(architecture, net, batch);
        };
    }

    Graph textGraph(int sequences, int tokens) {
        return TextTransformer.record(architecture, sequences, tokens, shortcuts);
    }
}
