package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** Gradient of {@link L2Normalize} with respect to x; for rows shorter than epsilon the divisor is a constant. */
public record L2NormalizeGradient(
        Tensor x, Tensor dy, double epsilon, @Nullable Tensor live) implements Op {
    @Override
    public String operator() {
        return "l2_normalize_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, dy, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(dy.type(), dy.shape(), dy));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("dy", dy)
                .set("dx", outputs.getFirst())
                .set("live", live)
                .set("rows", x.rows())
                .set("width", x.width())
                .set("epsilon", epsilon);
    }
}
