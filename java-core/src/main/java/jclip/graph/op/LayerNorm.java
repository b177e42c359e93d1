package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** y = (x - mean) / sqrt(variance + epsilon) weight + bias, row by row; x [rows, width]. */
public record LayerNorm(
        Tensor x,
        Tensor weight,
        Tensor bias,
        double epsilon,
        @Nullable Tensor live) implements Op {
    @Override
    public String operator() {
        return "layer_norm";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, weight, bias, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(x.type(), x.shape(), x));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("residual", (Tensor) null)
                .set("weight", weight)
                .set("bias", bias)
                .set("sum", (Tensor) null)
                .set("y", outputs.getFirst())
                .set("live", live)
                .set("rows", x.rows())
                .set("width", x.width())
                .set("epsilon", epsilon);
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        LayerNormGradient gradient = new LayerNormGradient(
                dy,
                x,
                weight,
                gradients.pending(x),
                gradients.parameter(weight),
                gradients.parameter(bias),
                epsilon,
                live);
        gradients.set(x, gradients.record(x, gradient));
    }
}
