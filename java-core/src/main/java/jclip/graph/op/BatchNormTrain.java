package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * y = (x - mean) inverse weight + bias + residual per channel (the last size), with mean and variance of this batch; outputs y, mean and
 * inverse = 1 / sqrt(variance + epsilon).
 *
 * @param residual of x's shape, or null
 * @param runningMean moved by {@code momentum} towards the batch's mean, or null
 * @param runningVariance likewise, towards the unbiased variance; given with runningMean
 */
public record BatchNormTrain(
        Tensor x,
        Tensor weight,
        Tensor bias,
        @Nullable Tensor residual,
        @Nullable Tensor runningMean,
        @Nullable Tensor runningVariance,
        double epsilon,
        double momentum)
        implements Op {
    @Override
    public String operator() {
        return "batch_norm_train";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, weight, bias, residual, runningMean, runningVariance);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(x.type(), x.shape(), residual), Output.f32(x.width()), Output.f32(x.width()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("weight", weight)
                .set("bias", bias)
                .set("residual", residual)
                .set("y", outputs.get(0))
                .set("mean", outputs.get(1))
                .set("inverse", outputs.get(2))
                .set("running_mean", runningMean)
                .set("running_variance", runningVariance)
                .set("rows", x.rows())
                .set("channels", x.width())
                .set("epsilon", epsilon)
                .set("momentum", momentum);
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        BatchNormTrainGradient gradient = new BatchNormTrainGradient(
                dy, x, outputs.get(1), outputs.get(2), weight, gradients.parameter(weight), gradients.parameter(bias));
        gradients.add(x, gradients.record(x, gradient));
        if (residual != null && gradients.wanted(residual)) {
            gradients.add(residual, dy);
        }
    }
}
