package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** y = (x - mean) / sqrt(variance + epsilon) weight + bias per channel (the last size) with frozen statistics. */
public record BatchNorm(Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance, double epsilon)
        implements Op {
    @Override
    public String operator() {
        return "batch_norm";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, weight, bias, mean, variance);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(x.type(), x.shape(), x));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("weight", weight)
                .set("bias", bias)
                .set("mean", mean)
                .set("variance", variance)
                .set("y", outputs.getFirst())
                .set("rows", x.rows())
                .set("channels", x.width())
                .set("epsilon", epsilon);
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        BatchNormGradient gradient = new BatchNormGradient(
                dy, x, mean, variance, weight, gradients.parameter(weight), gradients.parameter(bias), epsilon);
        gradients.add(x, gradients.record(x, gradient));
    }
}
