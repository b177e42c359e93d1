package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * dw += the gradient of {@link Conv2d}, or of {@link PatchEmbed}, with respect to its weights [out, in, kernel, kernel].
 *
 * @param dy [batch, height, width, out] (NHWC), or a view [batch, height * width * out] that leaves out the class rows
 * @param x the forward call's input
 * @param layout order of x's sizes
 * @param dw read and written; in OIHW order, whatever its shape behind the first size
 * @param kernel the forward call's, like stride and padding
 */
public record Conv2dWeightGradient(
        Tensor dy, Tensor x, Conv2d.Layout layout, Tensor dw, long kernel, long stride, long padding) implements Op {
    public Conv2dWeightGradient {
        long channels = x.shape().get(layout == Conv2d.Layout.NHWC ? 3 : 1);
        long out = dw.shape().getFirst();
        long pixels = out(x, layout, 1, kernel, stride, padding) * out(x, layout, 2, kernel, stride, padding);
        if (dw.elements() != out * channels * kernel * kernel
                || dw.rowStride() != dw.width()
                || !dy.shape().getFirst().equals(x.shape().getFirst())
                || dy.elements() != x.shape().getFirst() * pixels * out) {
            throw new IllegalArgumentException("conv2d_weight_gradient: " + dy + " and " + x + " (" + layout + ") into "
                    + dw + ", kernel " + kernel + ", stride " + stride + ", padding " + padding);
        }
    }

    public Conv2dWeightGradient(Tensor dy, Tensor x, Conv2d.Layout layout, Tensor dw, long stride, long padding) {
        this(dy, x, layout, dw, dw.shape().get(2), stride, padding);
    }

    /** That of {@link PatchEmbed}: pixels NCHW, dy a view [batch, grid * width] behind the class rows. */
    static Conv2dWeightGradient ofPatches(Tensor dy, Tensor pixels, Tensor dw, long patch) {
        return new Conv2dWeightGradient(dy, pixels, Conv2d.Layout.NCHW, dw, patch, patch, 0);
    }

    /** Output size along x's first (1) or second (2) dimension of pixels. */
    private static long out(Tensor x, Conv2d.Layout layout, int dimension, long kernel, long stride, long padding) {
        return (size(x, layout, dimension) + 2 * padding - kernel) / stride + 1;
    }

    private static long size(Tensor x, Conv2d.Layout layout, int dimension) {
        return x.shape().get(layout == Conv2d.Layout.NHWC ? dimension : dimension + 1);
    }

    @Override
    public String operator() {
        return "conv2d_weight_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(dy, x, dw);
    }

    @Override
    public List<Output> outputs() {
        return List.of();
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        boolean nhwc = layout == Conv2d.Layout.NHWC;
        long height = size(x, layout, 1);
        long width = size(x, layout, 2);
        long channels = x.shape().get(nhwc ? 3 : 1);
        long batch = x.shape().getFirst();
        fields.set("dy", dy)
                .set("x", x)
                .set("dw", dw)
                .set("batch", batch)
                .set("height", height)
                .set("width", width)
                .set("channels", channels)
                .set("x_batch", height * width * channels)
                .set("x_row", nhwc ? width * channels : width)
                .set("x_column", nhwc ? channels : 1)
                .set("x_channel", nhwc ? 1 : height * width)
                .set("dy_batch", dy.shape().size() == 2 ? dy.rowStride() : dy.elements() / batch)
                .set("out_channels", dw.shape().getFirst())
                .set("kernel", kernel)
                .set("stride", stride)
                .set("padding", padding);
    }
}
