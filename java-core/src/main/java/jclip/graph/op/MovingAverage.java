package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * average = decay average + (1 - decay) p in place, so there are no outputs.
 *
 * @param decay float64 [1], in [0, 1]
 */
public record MovingAverage(Tensor average, Tensor p, Tensor decay) implements Op {
    @Override
    public String operator() {
        return "moving_average";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(average, p, decay);
    }

    @Override
    public List<Output> outputs() {
        return List.of();
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("average", average).set("p", p).set("decay", decay).set("count", p.elements());
    }
}
