package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * dx = the gradient of {@link Conv2d} with respect to its input + residual: dy [batch, height, width, out] (NHWC), weight [in, out, kernel,
 * kernel] as {@link Conv2dPack} makes it for the gradient, dx NHWC. In place of the residual where possible.
 *
 * @param shape dx's, that of the forward call's input
 * @param stride the forward call's
 * @param padding the forward call's
 */
public record Conv2dDataGradient(
        Tensor dy, Tensor weight, @Nullable Tensor residual, List<Long> shape, long stride, long padding)
        implements Op {
    public Conv2dDataGradient {
        shape = List.copyOf(shape);
        if (shape.size() != 4
                || !dy.shape()
                        .equals(List.of(
                                shape.get(0),
                                out(shape.get(1), weight, stride, padding),
                                out(shape.get(2), weight, stride, padding),
                                weight.shape().get(1)))
                || !shape.get(3).equals(weight.shape().get(0))) {
            throw new IllegalArgumentException("conv2d_data_gradient: " + dy + " with weights " + weight + " into "
                    + shape + ", stride " + stride + ", padding " + padding);
        }
        if (residual != null && !residual.shape().equals(shape)) {
            throw new IllegalArgumentException("conv2d_data_gradient: residual " + residual + ", wanted " + shape);
        }
    }

    private static long out(long size, Tensor weight, long stride, long padding) {
        return (size + 2 * padding - weight.shape().get(2)) / stride + 1;
    }

    @Override
    public String operator() {
        return "conv2d_data_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(dy, weight, residual);
    }

    @Override
    public List<Output> outputs() {
        return List.of(new Output(dy.type(), shape, residual));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("dy", dy)
                .set("packed", weight)
                .set("residual", residual)
                .set("dx", outputs.getFirst())
                .set("batch", shape.get(0))
                .set("height", shape.get(1))
                .set("width", shape.get(2))
                .set("channels", shape.get(3))
                .set("out_channels", weight.shape().get(1))
                .set("kernel", weight.shape().get(2))
                .set("stride", stride)
                .set("padding", padding);
    }
}
