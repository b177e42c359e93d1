package jclip.bench;

import jclip.backend.Context;

/** A square convolution with bias and ReLU; the pictures' pixels (nchw) or NHWC activations in. */
record Conv2dCase(long batch, long size, long channels, long out, long kernel, long stride, boolean nchw)
        implements Case {
    static Conv2dCase of(Line line) {
        return new Conv2dCase(
                line.get("batch", 1),
                line.get("size"),
                line.get("channels"),
                line.get("out"),
                line.get("kernel"),
                line.get("stride", 1),
                line.get("nchw", 0) == 1);
    }

    private long padding() {
        return kernel / 2;
    }

    private long outputs() {
        long side = (size + 2 * padding() - kernel) / stride + 1;
        return batch * side * side * out;
    }

    @Override
    public Amount amount() {
        long weights = out * channels * kernel * kernel;
        double flops = 2.0 * outputs() * channels * kernel * kernel;
        return new Amount(flops, 4.0 * (batch * size * size * channels + weights + outputs()));
    }

    @Override
    public Work open(Context context) {
        Work work = new Work(context, "conv2d");
        work.set("x", work.floats(batch * size * size * channels))
                .set("packed", work.packedConvolution(out, channels, kernel));
        work.set("bias", work.floats(out)).set("y", work.bytes(4 * outputs()));
        work.set("batch", batch).set("height", size).set("width", size).set("channels", channels);
        work.set("x_batch", size * size * channels).set("x_row", nchw ? size : size * channels);
        work.set("x_column", nchw ? 1 : channels).set("x_channel", nchw ? size * size : 1);
        work.set("out_channels", out)
                .set("kernel", kernel)
                .set("stride", stride)
                .set("padding", padding());
        return work.set("activation", 1).withWorkspace();
    }
}
