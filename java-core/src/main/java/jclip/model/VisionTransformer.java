package jclip.model;

import jclip.checkpoint.Architecture;
import jclip.graph.DType;
import jclip.graph.Graph;
import jclip.graph.Parameter;
import jclip.graph.Tensor;
import jclip.graph.op.Attention;
import jclip.graph.op.GatherRows;
import jclip.graph.op.PatchEmbed;

/** The ViT image tower: patches, class token, positions, ln_pre, blocks, ln_post on the class token, projection. */
final class VisionTransformer {
    private VisionTransformer() {}

    /** Input {@code pixels} [batch, 3, size, size]; outputs {@code image_features}, {@code image_embeds} [batch, embedDim], {@code visual.ln_post} [batch, width]. */
    static Graph record(Architecture architecture, Architecture.Vit vit, int batch, Shortcuts shortcuts) {
        Graph graph = new Graph("image tower, batch " + batch);
        Head.finish(graph, "image_embeds", record(graph, architecture, vit, batch, shortcuts, 0), null);
        graph.output(graph.tensor("visual.ln_post"));
        return graph;
    }

    /**
     * Records the tower up to the features [batch, embedDim].
     *
     * @param keptPatches patch dropout: patches that each picture keeps, told by the input {@code kept} int32 [batch * (1 + keptPatches)],
     *     rows of all tokens (each picture's class token first); 0: all patches, and no such input
     */
    static Tensor record(
            Graph graph,
            Architecture architecture,
            Architecture.Vit vit,
            int batch,
            Shortcuts shortcuts,
            int keptPatches) {
        long patches = (long) vit.grid() * vit.grid();
        long width = vit.width();
        Tensor pixels = graph.input("pixels", DType.F32, batch, 3, vit.imageSize(), vit.imageSize());
        Tensor embedded = graph.record(
                "visual.embed",
                new PatchEmbed(
                        pixels,
                        graph.parameter(
                                Parameter.gemm("visual.conv1.weight", width, 3L * vit.patchSize() * vit.patchSize())),
                        graph.parameter(Parameter.plain("visual.class_embedding", width)),
                        graph.parameter(Parameter.plain("visual.positional_embedding", 1 + patches, width)),
                        vit.patchSize()));
        if (keptPatches > 0) {
            Tensor kept = graph.input("kept", DType.I32, batch * (1L + keptPatches));
            embedded = graph.record("visual.kept", new GatherRows(embedded, kept, kept.elements(), 1, null));
        }
        long tokens = embedded.rows() / batch;
        Transformer transformer = new Transformer(
                graph,
                "visual.transformer.resblocks.",
                "visual.block.",
                width,
                vit.heads(),
                vit.mlpWidth(),
                architecture.activation(),
                vit.eps(),
                false);
        Tensor x = transformer.layerNorm("visual.ln_pre", embedded, "visual.ln_pre", null);
        Attention.Sequences all = Attention.Sequences.dense(batch, tokens, tokens);
        for (int i = 0; i < vit.layers() - 1; i++) {
            x = transformer.block(i, x, all, null);
        }
        Transformer.Pool classToken = (name, t) -> graph.record(name, GatherRows.every(t, tokens));
        Tensor pooled;
        if (shortcuts.pooledToken()) {
            pooled = transformer.lastBlock(
                    vit.layers() - 1, x, classToken, Attention.Sequences.dense(batch, 1, tokens), null, null);
        } else {
            x = transformer.lastBlock(vit.layers() - 1, x, (name, t) -> t, all, null, null);
            pooled = classToken.pick("visual.pooled", x);
        }
        Tensor normed = transformer.layerNorm("visual.ln_post", pooled, "visual.ln_post", null);
        return Head.project(graph, "image_features", normed, "visual.proj", architecture.embedDim(), null);
    }
}
