package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gradient of {@link AttentionPoolTokens} with respect to x: each pixel's token and its share of the mean's. The positions' gradient is
 * the sum of dy over the batch.
 *
 * @param xShape [batch, height, width, channels] of the forward operator's input
 */
public record AttentionPoolTokensGradient(Tensor dy, List<Long> xShape) implements Op {
    @Override
    public String operator() {
        return "attention_pool_tokens_gradient";
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
                .set("pixels", xShape.get(1) * xShape.get(2))
                .set("channels", xShape.get(3));
    }
}
