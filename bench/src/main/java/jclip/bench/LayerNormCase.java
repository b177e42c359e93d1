package jclip.bench;

import jclip.backend.Context;

/** LayerNorm of rows, alone or after adding a residual and keeping the sum. */
record LayerNormCase(long rows, long width, boolean residual) implements Case {
    static LayerNormCase of(Line line) {
        return new LayerNormCase(line.get("rows"), line.get("width"), line.get("residual", 0) == 1);
    }

    @Override
    public Amount amount() {
        return new Amount(0, 4.0 * rows * width * (residual ? 4 : 2));
    }

    @Override
    public Work open(Context context) {
        Work work = new Work(context, "layer_norm");
        work.set("x", work.floats(rows * width))
                .set("weight", work.floats(width))
                .set("bias", work.floats(width));
        if (residual) {
            work.set("residual", work.floats(rows * width)).set("sum", work.bytes(4 * rows * width));
        }
        return work.set("y", work.bytes(4 * rows * width))
                .set("rows", rows)
                .set("width", width)
                .set("epsilon", 1e-5);
    }
}
