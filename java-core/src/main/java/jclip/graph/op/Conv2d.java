package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * y = activation(conv(x, weight) + bias + residual) with zero padding: weight [out, in, kernel, kernel] packed, y [batch, height, width,
 * out] (NHWC). x is NHWC, or NCHW for the pixels that enter the network.
 */
public record Conv2d(
        Tensor x,
        Layout layout,
        Tensor weight,
        @Nullable Tensor bias,
        @Nullable Tensor residual,
        long stride,
        long padding,
        Nonlinearity activation)
        implements Op {
    /** Order of x's sizes. */
    public enum Layout {
        NHWC,
        NCHW
    }

    public Conv2d {
        long channels = layout == Layout.NHWC ? x.shape().get(3) : x.shape().get(1);
        if (channels != weight.shape().get(1)) {
            throw new IllegalArgumentException("conv2d: " + x + " (" + layout + ") with weights " + weight);
        }
    }

    @Override
    public String operator() {
        return "conv2d";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, weight, bias, residual);
    }

    private long batch() {
        return x.shape().get(0);
    }

    private long height() {
        return x.shape().get(layout == Layout.NHWC ? 1 : 2);
    }

    private long width() {
        return x.shape().get(layout == Layout.NHWC ? 2 : 3);
    }

    private long out(long size) {
        return (size + 2 * padding - weight.shape().get(2)) / stride + 1;
    }

    @Override
    public List<Output> outputs() {
        return List.of(
                Output.f32(batch(), out(height()), out(width()), weight.shape().get(0))
                        .reusing(residual));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        long channels = weight.shape().get(1);
        boolean nhwc = layout == Layout.NHWC;
        fields.set("x", x)
                .set("packed", weight)
                .set("bias", bias)
                .set("residual", residual)
                .set("y", outputs.getFirst())
                .set("batch", batch())
                .set("height", height())
                .set("width", width())
                .set("channels", channels)
                .set("x_batch", height() * width() * channels)
                .set("x_row", nhwc ? width() * channels : width())
                .set("x_column", nhwc ? channels : 1)
                .set("x_channel", nhwc ? 1 : height() * width())
                .set("out_channels", weight.shape().get(0))
                .set("kernel", weight.shape().get(2))
                .set("stride", stride)
                .set("padding", padding)
                .set("activation", activation.code());
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        if (activation != Nonlinearity.IDENTITY || !(gradients.producer(weight) instanceof Conv2dPack pack)) {
            throw new UnsupportedOperationException("conv2d " + outputs
                    + ": in training its activation is a node of its own and its weight is packed by one");
        }
        Tensor dy = gradients.of(outputs.getFirst());
        Tensor dw = gradients.parameter(pack.w());
        if (dw != null) {
            gradients.record(new Conv2dWeightGradient(dy, x, layout, dw, stride, padding));
        }
        Tensor dBias = gradients.parameter(bias);
        if (dBias != null) {
            gradients.record(new ColumnSums(dy, dBias));
        }
        if (gradients.wanted(x)) {
            Tensor turned = gradients.record(weight, new Conv2dPack(pack.w(), true));
            gradients.set(x, gradients.record(x, dataGradient(dy, turned, gradients.pending(x))));
        }
        if (residual != null && gradients.wanted(residual)) {
            gradients.add(residual, dy);
        }
    }

    private Conv2dDataGradient dataGradient(Tensor dy, Tensor turned, @Nullable Tensor pending) {
        if (layout != Layout.NHWC) {
            throw new UnsupportedOperationException("conv2d: the gradient of pixels in NCHW order is not there");
        }
        return new Conv2dDataGradient(dy, turned, pending, x.shape(), stride, padding);
    }
}
