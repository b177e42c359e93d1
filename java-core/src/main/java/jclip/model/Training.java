package jclip.model;

import jclip.checkpoint.Architecture;
import jclip.graph.Graph;
import jclip.graph.Tensor;

/** A model's towers recorded for training: into the caller's graph, from inputs to features of unit length. */
public final class Training {
    /** Names of the text tower's inputs, in the order in which {@link Packing#write} wants them. */
    public static final java.util.List<String> TEXT_INPUTS =
            java.util.List.of("ids", "positions", "table", "pooled_table", "pooled", "live_tokens", "live_sequences");

    private Training() {}

    /**
     * The image tower: input {@code pixels} float32 [batch, 3, size, size], normalised.
     *
     * @param graph {@linkplain Graph#training for training}
     * @param frozenStatistics batch normalisations use their running statistics and leave them; otherwise the batch's, which move the
     *     running ones
     * @param keptPatches patch dropout (ViT): patches kept of each picture, named by the input {@code kept} int32 [batch * (1 +
     *     keptPatches)]: rows of [batch * tokens], each picture's class token first; 0: all, and no such input
     * @return {@code image_embeds} [batch, embedDim]
     */
    public static Tensor image(
            Graph graph, Architecture architecture, int batch, boolean frozenStatistics, int keptPatches) {
        Tensor features =
                switch (architecture.vision()) {
                    case Architecture.Vit vit ->
                        VisionTransformer.record(graph, architecture, vit, batch, Shortcuts.ALL, keptPatches);
                    case Architecture.ResNet net ->
                        ModifiedResNet.record(graph, architecture, net, batch, frozenStatistics);
                };
        return Head.normalised(graph, "image_embeds", features, null);
    }

    /**
     * The text tower over packed texts: the inputs {@link #TEXT_INPUTS}, which {@link Packing} fills.
     *
     * @param graph {@linkplain Graph#training for training}
     * @param sequences at most this many texts in a run
     * @param tokens at most this many tokens of all texts together
     * @return {@code text_embeds} [sequences, embedDim]
     */
    public static Tensor text(Graph graph, Architecture architecture, int sequences, int tokens) {
        Tensor features = TextTransformer.record(graph, architecture, sequences, tokens, Shortcuts.ALL);
        return Head.normalised(graph, "text_embeds", features, graph.tensor("live_sequences"));
    }
}
