package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
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

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        if (!(gradients.producer(weight) instanceof GemmPack pack)) {
            throw new UnsupportedOperationException(
                    "patch_embed " + outputs + ": in training its weight is packed by a node");
        }
        long batch = pixels.shape().get(0);
        long width = weight.rows();
        Tensor dy = gradients.of(outputs.getFirst());
        Tensor pictures = dy.reshaped(batch, dy.elements() / batch);
        long skipped = classEmbedding == null ? 0 : width;
        Tensor dw = gradients.parameter(pack.w());
        if (dw != null) {
            Tensor patches = pictures.columns(skipped, pictures.width() - skipped);
            gradients.record(Conv2dWeightGradient.ofPatches(patches, pixels, dw, patch));
        }
        Tensor dClass = gradients.parameter(classEmbedding);
        if (dClass != null) {
            gradients.record(new ColumnSums(pictures.columns(0, width), dClass));
        }
        Tensor dPositional = gradients.parameter(positional);
        if (dPositional != null) {
            gradients.record(new ColumnSums(pictures, dPositional));
        }
    }
}
