package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Patches times weight, plus positions, with the class token in front: pixels [batch, 3, height, width] NCHW, weight [width, 3 patch^2] packed,
 * y [batch * (1 + grid), width]. Without class embedding there is no class row.
 */
public record PatchEmbed(
        Tensor pixels,
        Tensor weight,
        @Nullable Tensor classEmbedding,
        @Nullable Tensor positional,
        long patch) implements Op {
    @Override
    public String operator() {
        return "patch_embed";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(pixels, weight, classEmbedding, positional);
    }

    @Override
    public List<Output> outputs() {
        long grid = (pixels.shape().get(2) / patch) * (pixels.shape().get(3) / patch);
        return List.of(Output.f32(pixels.shape().get(0) * (grid + (classEmbedding == null ? 0 : 1)), weight.rows()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("pixels", pixels)
                .set("packed", weight)
                .set("class_embedding", classEmbedding)
                .set("positional", positional)
                .set("y", outputs.getFirst())
                .set("batch", pixels.shape().get(0))
                .set("height", pixels.shape().get(2))
                .set("image_width", pixels.shape().get(3))
                .set("patch", patch)
                .set("width", weight.rows());
    }
}
