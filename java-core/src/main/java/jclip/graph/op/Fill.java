package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** y = value in place of what was there; y is a tensor that outlives the run (a gradient), so there are no outputs. */
public record Fill(Tensor y, double value) implements Op {
    @Override
    public String operator() {
        return "fill";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(y);
    }

    @Override
    public List<Output> outputs() {
        return List.of();
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("y", y).set("count", y.elements()).set("value", value);
    }
}
