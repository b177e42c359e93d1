package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * y = activation(a weight^T + bias + residual): a [rows, k], weight [n, k] packed, y [rows, n]. In place of the residual where possible.
 *
 * @param a may be a view
 * @param live count of rows that carry data, or null for all
 * @param precision that in which the weight was packed
 */
public record Gemm(
        Tensor a,
        Tensor weight,
        @Nullable Tensor bias,
        @Nullable Tensor residual,
        Nonlinearity activation,
        @Nullable Tensor live,
        Precision precision)
        implements Op {
    /** In fp32. */
    public Gemm(
            Tensor a,
            Tensor weight,
            @Nullable Tensor bias,
            @Nullable Tensor residual,
            Nonlinearity activation,
            @Nullable Tensor live) {
        this(a, weight, bias, residual, activation, live, Precision.F32);
    }

    public Gemm {
        if (a.width() != weight.width()) {
            throw new IllegalArgumentException("gemm: " + a + " times the transpose of " + weight);
        }
    }

    @Override
    public String operator() {
        return "gemm";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(a, weight, bias, residual, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.f32(a.rows(), weight.rows()).reusing(residual));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        Tensor y = outputs.getFirst();
        fields.set("a", a)
                .set("packed", weight)
                .set("bias", bias)
                .set("residual", residual)
                .set("y", y)
                .set("live", live)
                .set("rows", a.rows())
                .set("n", weight.rows())
                .set("k", weight.width())
                .set("lda", a.rowStride())
                .set("ld_residual", residual == null ? 0 : residual.rowStride())
                .set("ldy", y.rowStride())
                .set("activation", activation.code())
                .set("precision", precision.code());
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        if (activation != Nonlinearity.IDENTITY || !(gradients.producer(weight) instanceof GemmPack pack)) {
            throw new UnsupportedOperationException("gemm " + outputs
                    + ": in training its activation is a node of its own and its weight is packed by one");
        }
        if (pack.precision() != precision) {
            throw new IllegalArgumentException(
                    "gemm " + outputs + " in " + precision + ": its weight is packed in " + pack.precision());
        }
        Tensor dy = gradients.of(outputs.getFirst());
        weightGradient(pack, dy, gradients.parameter(pack.w()), gradients.parameter(bias), gradients);
        if (gradients.wanted(a)) {
            Tensor turned = gradients.record(weight, pack.turned());
            gradients.set(
                    a,
                    gradients.record(
                            a,
                            new Gemm(dy, turned, null, gradients.pending(a), Nonlinearity.IDENTITY, live, precision)));
        }
        if (residual != null && gradients.wanted(residual)) {
            gradients.add(residual, dy);
        }
    }

    /** A transposed weight [k, n] gets a^T dy, which is the same operator with its factors exchanged. */
    private void weightGradient(
            GemmPack pack, Tensor dy, @Nullable Tensor dw, @Nullable Tensor dBias, Gradients gradients) {
        if (dw != null && !pack.transposed()) {
            gradients.record(new GemmWeightGradient(dy, a, dw, dBias, live, precision));
            return;
        }
        if (dw != null) {
            gradients.record(new GemmWeightGradient(a, dy, dw, null, live, precision));
        }
        if (dBias != null) {
            gradients.record(new ColumnSums(dy, dBias));
        }
    }
}
