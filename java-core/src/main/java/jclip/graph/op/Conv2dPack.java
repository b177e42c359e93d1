package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Parameter;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A convolution's weight [out, in, kernel, kernel] packed for {@link Conv2d}, or for its data gradient.
 *
 * @param gradient for {@link Conv2dDataGradient}; the result then has the shape [in, out, kernel, kernel]
 */
public record Conv2dPack(Tensor w, boolean gradient) implements Op {
    @Override
    public String operator() {
        return "conv2d_pack";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(w);
    }

    private long size(int dimension) {
        return w.shape().get(dimension);
    }

    @Override
    public List<Output> outputs() {
        return List.of(
                gradient
                        ? Output.packed(Parameter.Form.CONVOLUTION, size(1), size(0), size(2), size(3))
                        : Output.packed(Parameter.Form.CONVOLUTION, size(0), size(1), size(2), size(3)));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("w", w)
                .set("packed", outputs.getFirst())
                .set("out_channels", size(0))
                .set("channels", size(1))
                .set("kernel", size(2))
                .set("gradient", gradient ? 1 : 0);
    }
}
