package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.DType;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The Euclidean norm of g and the factor that brings it down to {@code maximum}: f64 [2], norm and min(1, maximum / (norm + 1e-6)). Both
 * are not finite where g is not.
 *
 * @param maximum 0: the factor is 1
 */
public record GradientNorm(Tensor g, double maximum) implements Op {
    @Override
    public String operator() {
        return "gradient_norm";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(g);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(DType.F64, List.of(2L), null));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("g", g)
                .set("norm", outputs.getFirst())
                .set("count", g.elements())
                .set("maximum", maximum);
    }
}
