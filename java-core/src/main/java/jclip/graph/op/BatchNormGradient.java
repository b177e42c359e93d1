package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gradient of {@link BatchNorm} with respect to x; the statistics are constants.
 *
 * @param dWeight added to, or null if not wanted; {@code dBias} likewise
 */
public record BatchNormGradient(
        Tensor dy,
        Tensor x,
        Tensor mean,
        Tensor variance,
        Tensor weight,
        @Nullable Tensor dWeight,
        @Nullable Tensor dBias,
        double epsilon)
        implements Op {
    @Override
    public String operator() {
        return "batch_norm_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(dy, x, mean, variance, weight, dWeight, dBias);
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
                .set("variance", variance)
                .set("weight", weight)
                .set("dx", outputs.getFirst())
                .set("d_weight", dWeight)
                .set("d_bias", dBias)
                .set("rows", x.rows())
                .set("channels", x.width())
                .set("epsilon", epsilon);
    }
}
