package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** y = a + b, element by element. */
public record Add(Tensor a, Tensor b) implements Op {
    @Override
    public String operator() {
        return "add";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(a, b);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(a.type(), a.shape(), a));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("a", a).set("b", b).set("y", outputs.getFirst()).set("count", a.elements());
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        for (Tensor each : List.of(a, b)) {
            if (gradients.wanted(each)) {
                gradients.add(each, dy);
            }
        }
    }
}
