package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * dw += dy^T x and dBias += the column sums of dy: dy [rows, n], x [rows, k], dw [n, k], dBias [n]. Gradient of {@link Gemm} with respect
 * to its weights and bias.
 *
 * @param dy may be a view
 * @param x may be a view
 * @param dw read and written; may have more sizes than two if it is dense
 * @param dBias read and written, or null where it is not wanted
 * @param live count of rows that carry data, or null for all
 * @param precision of the product; dBias is summed in fp32 always
 */
public record GemmWeightGradient(
        Tensor dy,
        Tensor x,
        Tensor dw,
        @Nullable Tensor dBias,
        @Nullable Tensor live,
        Precision precision) implements Op {
    /** In fp32. */
    public GemmWeightGradient(Tensor dy, Tensor x, Tensor dw, @Nullable Tensor dBias, @Nullable Tensor live) {
        this(dy, x, dw, dBias, live, Precision.F32);
    }

    public GemmWeightGradient {
        boolean matrix = dw.width() == x.width() && dw.rows() == dy.width();
        boolean dense = dw.elements() == dy.width() * x.width() && dw.rowStride() == dw.width();
        if (dy.rows() != x.rows() || !matrix && !dense) {
            throw new IllegalArgumentException(
                    "gemm_weight_gradient: the transpose of " + dy + " times " + x + " into " + dw);
        }
    }

    @Override
    public String operator() {
        return "gemm_weight_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(dy, x, dw, dBias, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of();
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("dy", dy)
                .set("x", x)
                .set("dw", dw)
                .set("d_bias", dBias)
                .set("live", live)
                .set("rows", dy.rows())
                .set("n", dy.width())
                .set("k", x.width())
                .set("ldy", dy.rowStride())
                .set("ldx", x.rowStride())
                .set("ldw", dw.width() == x.width() ? dw.rowStride() : x.width())
                .set("precision", precision.code());
    }
}
