package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** x = min(max(x, low), high) in place, so there are no outputs; what is not a number stays so. */
public record Clamp(Tensor x, double low, double high) implements Op {
    @Override
    public String operator() {
        return "clamp";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x);
    }

    @Override
    public List<Output> outputs() {
        return List.of();
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x).set("count", x.elements()).set("low", low).set("high", high);
    }
}
