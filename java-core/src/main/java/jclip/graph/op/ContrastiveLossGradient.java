package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gradient of upstream times {@link ContrastiveLoss}: produces those of image and text [N, width]; every similarity is computed once more.
 *
 * @param statistics [5, N], from the loss
 * @param dLogScale [1], added to; null if not wanted
 * @param dBias [1], added to; null if not wanted
 */
public record ContrastiveLossGradient(
        Tensor image,
        Tensor text,
        Tensor logScale,
        @Nullable Tensor bias,
        Tensor statistics,
        ContrastiveLoss.Kind kind,
        double upstream,
        @Nullable Tensor dLogScale,
        @Nullable Tensor dBias)
        implements Op {
    public ContrastiveLossGradient {
        if (image.rows() != text.rows() || image.width() != text.width()) {
            throw new IllegalArgumentException("contrastive_loss_gradient: " + image + " against " + text);
        }
        if (statistics.rows() != 5 || statistics.width() != image.rows()) {
            throw new IllegalArgumentException(
                    "contrastive_loss_gradient: statistics " + statistics + ", wanted [5, " + image.rows() + "]");
        }
    }

    @Override
    public String operator() {
        return "contrastive_loss_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(image, text, logScale, bias, statistics, dLogScale, dBias);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.f32(image.rows(), image.width()), Output.f32(text.rows(), text.width()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("image", image)
                .set("text", text)
                .set("log_scale", logScale)
                .set("bias", bias)
                .set("statistics", statistics)
                .set("d_image", outputs.get(0))
                .set("d_text", outputs.get(1))
                .set("d_log_scale", dLogScale)
                .set("d_bias", dBias)
                .set("rows", image.rows())
                .set("width", image.width())
                .set("kind", kind.code())
                .set("upstream", upstream);
    }
}
