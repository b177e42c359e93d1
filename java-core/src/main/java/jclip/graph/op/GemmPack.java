package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Parameter;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A weight packed for {@link Gemm}: w [n, k], or, transposed, w [k, n]; the result has shape [n, k].
 *
 * @param n rows of the packed matrix; w may have more dimensions than two
 * @param precision that of the {@link Gemm} that reads it
 */
public record GemmPack(Tensor w, boolean transposed, long n, Precision precision) implements Op {
    /** In fp32. */
    public GemmPack(Tensor w, boolean transposed, long n) {
        this(w, transposed, n, Precision.F32);
    }

    public GemmPack {
        if (w.elements() % n != 0 || w.rowStride() != w.width()) {
            throw new IllegalArgumentException("gemm_pack: " + w + " as a matrix of " + n + " rows");
        }
    }

    /** The transpose of what this packs: for the gradient of the other factor. */
    GemmPack turned() {
        return new GemmPack(w, !transposed, k(), precision);
    }

    private long k() {
        return w.elements() / n;
    }

    @Override
    public String operator() {
        return "gemm_pack";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(w);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.packed(Parameter.Form.GEMM, n, k()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("w", w)
                .set("packed", outputs.getFirst())
                .set("n", n)
                .set("k", k())
                .set("stride_n", transposed ? 1 : k())
                .set("stride_k", transposed ? n : 1)
                .set("precision", precision.code());
    }
}
