package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gradient of {@link BatchNormTrain} with respect to x, through the batch's statistics; the residual's gradient is dy.
 *
 * @param mean output of the forward operator, as is {@code inverse}
 * @param dWeight added to, or null if not wanted; {@code dBias} likewise
 */
public record BatchNormTrainGradient(
        Tensor dy,
        Tensor x,
        Tensor mean,
        Tensor inverse,
        Tensor weight,
        @Nullable Tensor dWeight,
        @Nullable Tensor dBias)
        implements Op {
    @Override
    public String operator() {
        return "batch_norm_train_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(dy, x, mean, inverse, weight, dWeight, dBias);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(x.type(), x.shape(), dy));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("dy", dy)
                .set("x", x)
                .set("mean", mean)
                .set("inverse", inverse)
                .set("weight", weight)
                .set("dx", outputs.getFirst())
                .set("d_weight", dWeight)
                .set("d_bias", dBias)
                .set("rows", x.rows())
                .set("channels", x.width());
    }
}
