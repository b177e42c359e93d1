package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** dx = f'(x) dy, element by element, the gradient of {@link Activation}; in place of dy where possible. */
public record ActivationGradient(Tensor x, Tensor dy, Nonlinearity function) implements Op {
    public ActivationGradient {
        if (x.elements() != dy.elements()) {
            throw new IllegalArgumentException("activation_gradient: x is " + x + ", dy " + dy);
        }
    }

    @Override
    public String operator() {
        return "activation_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, dy);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(x.type(), x.shape(), dy));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("dy", dy)
                .set("dx", outputs.getFirst())
                .set("count", x.elements())
                .set("activation", function.code());
    }
}
