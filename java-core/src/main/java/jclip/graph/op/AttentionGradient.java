package jclip.graph.op;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gradient of {@link Attention}, probabilities computed again. q, k and v may be column views of common matrices: there is one output, in
 * the shape of the matrix, for each of the {@link #bases}, and the gradients lie in its columns as q, k and v lie in theirs.
 *
 * @param dy gradient that arrives at the result [q tokens, heads * headDim]
 * @param sequences where each sequence's queries and keys lie; they must not overlap
 */
public record AttentionGradient(
        Tensor q,
        Tensor k,
        Tensor v,
        Tensor dy,
        Attention.Sequences sequences,
        long heads,
        boolean causal,
        double scale)
        implements Op {
    /**
     * @throws IllegalArgumentException if sizes do not fit together, or the views of a matrix are not all its columns, each once
     */
    public AttentionGradient {
        if (k.width() != q.width()
                || v.width() != q.width()
                || q.width() % heads != 0
                || v.rows() != k.rows()
                || dy.rows() != q.rows()
                || dy.width() != q.width()) {
            throw new IllegalArgumentException(
                    "attention_gradient: q is " + q + ", k " + k + ", v " + v + ", dy " + dy + ", heads " + heads
                            + "; wanted widths that are equal, as many rows of k as of v and of dy as of q");
        }
        for (Tensor base : bases(q, k, v)) {
            requireWhole(base, Stream.of(q, k, v).filter(t -> t.base() == base).toList());
        }
    }

    private static List<Tensor> bases(Tensor q, Tensor k, Tensor v) {
        return Stream.of(q, k, v).map(Tensor::base).distinct().toList();
    }

    /** Every column of the base must be in one view: the output holds nothing but their gradients. */
    private static void requireWhole(Tensor base, List<Tensor> views) {
        long rowStride = views.getFirst().rowStride();
        long next = 0;
        for (Tensor view :
                views.stream().sorted(Comparator.comparingLong(Tensor::offset)).toList()) {
            if (view.offset() != next || view.rowStride() != rowStride || view.rows() * rowStride != base.elements()) {
                throw refused(base, views);
            }
            next += view.width();
        }
        if (next != rowStride) {
            throw refused(base, views);
        }
    }

    private static IllegalArgumentException refused(Tensor base, List<Tensor> views) {
        return new IllegalArgumentException("attention_gradient: " + views + " are not all columns of " + base
                + ", each once; record copies of them");
    }

    /** The matrices that q, k and v are, or are columns of, in this order and each once; the outputs are their gradients. */
    public List<Tensor> bases() {
        return bases(q, k, v);
    }

    @Override
    public String operator() {
        return "attention_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(q, k, v, dy, sequences.table(), sequences.live());
    }

    @Override
    public List<Output> outputs() {
        return bases().stream()
                .map(base -> new Output(base.type(), base.shape(), null))
                .toList();
    }

    /** The columns of an output that are this view's gradient. */
    private Tensor gradient(Tensor view, List<Tensor> outputs) {
        return outputs.get(bases().indexOf(view.base()))
                .reshaped(view.rows(), view.rowStride())
                .columns(view.offset(), view.width());
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        Tensor dq = gradient(q, outputs);
        Tensor dk = gradient(k, outputs);
        Tensor dv = gradient(v, outputs);
        fields.set("q", q).set("k", k).set("v", v).set("dy", dy);
        fields.set("dq", dq).set("dk", dk).set("dv", dv);
        fields.set("table", sequences.table())
                .set("live", sequences.live())
                .set("sequences", sequences.count())
                .set("q_tokens", sequences.queries())
                .set("kv_tokens", sequences.keys())
                .set("rows", q.rows())
                .set("kv_rows", k.rows())
                .set("heads", heads)
                .set("head_dim", q.width() / heads);
        fields.set("ldq", q.rowStride()).set("ldk", k.rowStride()).set("ldv", v.rowStride());
        fields.set("lddy", dy.rowStride())
                .set("lddq", dq.rowStride())
                .set("lddk", dk.rowStride())
                .set("lddv", dv.rowStride());
        fields.set("causal", causal ? 1 : 0).set("scale", scale);
    }
}
