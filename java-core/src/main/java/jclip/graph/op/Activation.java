package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** y = f(x), element by element. */
public record Activation(Tensor x, Nonlinearity function) implements Op {
    @Override
    public String operator() {
        return "activation";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(x.type(), x.shape(), x));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("y", outputs.getFirst())
                .set("count", x.elements())
                .set("activation", function.code());
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        gradients.add(x, gradients.record(x, new ActivationGradient(x, dy, function)));
    }
}
