package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gradient of {@link AvgPool}: dy spread evenly over each window; leftover rows and columns get 0.
 *
 * @param xShape [batch, height, width, channels] of the forward operator's input
 */
public record AvgPoolGradient(Tensor dy, List<Long> xShape, long kernel) implements Op {
    @Override
    public String operator() {
        return "avg_pool_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(dy);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(dy.type(), xShape, null));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("dy", dy)
                .set("dx", outputs.getFirst())
                .set("batch", xShape.get(0))
                .set("height", xShape.get(1))
                .set("width", xShape.get(2))
                .set("channels", xShape.get(3))
                .set("kernel", kernel);
    }
}
