package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** y = x / max(|x|, epsilon), row by row. */
public record L2Normalize(
        Tensor x, double epsilon, @Nullable Tensor live) implements Op {
    @Override
    public String operator() {
        return "l2_normalize";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(x.type(), x.shape(), x));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("y", outputs.getFirst())
                .set("live", live)
                .set("rows", x.rows())
                .set("width", x.width())
                .set("epsilon", epsilon);
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        gradients.add(x, gradients.record(x, new L2NormalizeGradient(x, dy, epsilon, live)));
    }
}
