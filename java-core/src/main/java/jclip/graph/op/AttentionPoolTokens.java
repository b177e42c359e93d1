package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** Tokens of the attention pool: the mean pixel, then the pixels, plus positions; x [batch, height, width, channels], y [batch * (1 + pixels), channels]. */
public record AttentionPoolTokens(Tensor x, Tensor positional) implements Op {
    @Override
    public String operator() {
        return "attention_pool_tokens";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, positional);
    }

    private long pixels() {
        return x.shape().get(1) * x.shape().get(2);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.f32(x.shape().get(0) * (1 + pixels()), x.width()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("positional", positional)
                .set("y", outputs.getFirst())
                .set("batch", x.shape().get(0))
                .set("pixels", pixels())
                .set("channels", x.width());
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        Tensor dPositional = gradients.parameter(positional);
        if (dPositional != null) {
            gradients.record(new ColumnSums(dy.reshaped(x.shape().get(0), positional.elements()), dPositional));
        }
        if (gradients.wanted(x)) {
            gradients.add(x, gradients.record(x, new AttentionPoolTokensGradient(dy, x.shape())));
        }
    }
}
