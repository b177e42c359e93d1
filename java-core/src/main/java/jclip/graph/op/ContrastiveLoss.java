package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Loss over all pairs of a batch, without a matrix of all pairs: similarities exp(logScale) image[i] . text[j] + bias; image and text
 * [N, width], unit length or not; logScale, bias [1]. Produces the loss [1] and statistics [5, N], which {@link ContrastiveLossGradient}
 * reads: each pair's own similarity, its row's and its column's loss, and what rounding left out of these two.
 *
 * @param bias null for 0; the softmax loss does not depend on it
 */
public record ContrastiveLoss(
        Tensor image,
        Tensor text,
        Tensor logScale,
        @Nullable Tensor bias,
        Kind kind) implements Op.Loss {
    /** Which loss. */
    public enum Kind {
        /** CLIP: mean of the cross-entropies of rows and columns with the pairs themselves as classes (Radford et al. 2021). */
        SOFTMAX(0),
        /** SigLIP: sum of the logistic losses of all pairs, divided by N (Zhai et al. 2023). */
        SIGMOID(1);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        int code() {
            return code;
        }
    }

    public ContrastiveLoss {
        if (image.rows() != text.rows() || image.width() != text.width()) {
            throw new IllegalArgumentException("contrastive_loss: " + image + " against " + text);
        }
    }

    @Override
    public String operator() {
        return "contrastive_loss";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(image, text, logScale, bias);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.f32(1), Output.f32(5, image.rows()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("image", image)
                .set("text", text)
                .set("log_scale", logScale)
                .set("bias", bias)
                .set("loss", outputs.get(0))
                .set("statistics", outputs.get(1))
                .set("rows", image.rows())
                .set("width", image.width())
                .set("kind", kind.code());
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        ContrastiveLossGradient gradient = new ContrastiveLossGradient(
                image,
                text,
                logScale,
                bias,
                outputs.get(1),
                kind,
                1,
                gradients.parameter(logScale),
                gradients.parameter(bias));
        List<Tensor> made = gradients.record(List.of(image, text), gradient);
        gradients.add(image, made.get(0));
        gradients.add(text, made.get(1));
    }
}
