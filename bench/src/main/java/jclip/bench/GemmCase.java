package jclip.bench;

import jclip.backend.Context;

/**
 * y = activation(a w^T + bias), a [rows, k], w [n, k]; activation as numbered in the header (2: QuickGELU). A single row is bound by
 * reading the weights: its ceiling is a copy.
 */
record GemmCase(long rows, long n, long k, long activation) implements Case {
    static GemmCase of(Line line) {
        return new GemmCase(line.get("rows"), line.get("n"), line.get("k"), line.get("activation", 0));
    }

    @Override
    public Amount amount() {
        double flops = rows == 1 ? 0 : 2.0 * rows * n * k;
        return new Amount(flops, 4.0 * (rows * k + n * k + n + rows * n));
    }

    @Override
    public Work open(Context context) {
        Work work = new Work(context, "gemm");
        work.set("a", work.floats(rows * k))
                .set("packed", work.packedGemm(n, k))
                .set("bias", work.floats(n));
        work.set("y", work.bytes(4 * rows * n)).set("rows", rows).set("n", n).set("k", k);
        return work.set("lda", k).set("ldy", n).set("activation", activation).withWorkspace();
    }
}
