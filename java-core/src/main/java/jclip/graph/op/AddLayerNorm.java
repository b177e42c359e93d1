package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** sum = x + residual, y = LayerNorm(sum): two outputs, sum first. */
public record AddLayerNorm(
        Tensor x,
        Tensor residual,
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
        return Stream.of(x, residual, weight, bias, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(x.type(), x.shape(), residual), new Output(x.type(), x.shape(), null));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("residual", residual)
                .set("weight", weight)
                .set("bias", bias)
                .set("sum", outputs.get(0))
                .set("y", outputs.get(1))
                .set("live", live)
                .set("rows", x.rows())
                .set("width", x.width())
                .set("epsilon", epsilon);
    }
}
