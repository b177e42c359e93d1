package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * dx = the gradient of {@link LayerNorm} with respect to x, plus residual; x [rows, width]. In place of the residual, or of dy where there
 * is none.
 *
 * @param x what was normalised: the sum, where there was a residual
 * @param residual what else arrives at x, or null
 * @param dWeight [width], to which the weight's gradient is added, or null
 * @param dBias [width], to which the bias's gradient is added, or null
 * @param live count of rows that carry data, or null for all
 */
public record LayerNormGradient(
        Tensor dy,
        Tensor x,
        Tensor weight,
        @Nullable Tensor residual,
        @Nullable Tensor dWeight,
        @Nullable Tensor dBias,
        double epsilon,
        @Nullable Tensor live)
        implements Op {
    public LayerNormGradient {
        if (dy.elements() != x.elements()
                || dy.width() != x.width()
                || weight.elements() != x.width()
                || (residual != null && residual.elements() != x.elements())) {
            throw new IllegalArgumentException("layer_norm_gradient: dy is " + dy + ", x " + x + ", weight " + weight
                    + (residual == null ? "" : ", residual " + residual));
        }
    }

    @Override
    public String operator() {
        return "layer_norm_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(dy, x, weight, residual, dWeight, dBias, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(x.type(), x.shape(), residual != null ? residual : dy));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("dy", dy)
                .set("x", x)
                .set("weight", weight)
                .set("residual", residual)
                .set("dx", outputs.getFirst())
                .set("d_weight", dWeight)
                .set("d_bias", dBias)
                .set("live", live)
                .set("rows", x.rows())
                .set("width", x.width())
                .set("epsilon", epsilon);
    }
}
