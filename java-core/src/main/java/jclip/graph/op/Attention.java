package jclip.graph.op;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * y = softmax(scale q k^T) v for each sequence and head; q, k, v are [tokens, heads * headDim], often views of one matrix.
 *
 * @param sequences where each sequence's queries and keys lie
 * @param causal query i of a sequence sees its keys 0 .. keys - queries + i
 */
public record Attention(Tensor q, Tensor k, Tensor v, Sequences sequences, long heads, boolean causal, double scale)
        implements Op {
    /**
     * Sequences of equal length (no table), or a table int32 [count, 4] of q_first, q_count, kv_first, kv_count.
     *
     * @param live count of sequences that carry data, or null for all
     * @param queries of a sequence, or the largest
     * @param keys of a sequence, or the largest
     */
    public record Sequences(
            long count,
            long queries,
            long keys,
            @Nullable Tensor table,
            @Nullable Tensor live) {
        public static Sequences dense(long count, long queries, long keys) {
            return new Sequences(count, queries, keys, null, null);
        }
    }

    @Override
    public String operator() {
        return "attention";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(q, k, v, sequences.table, sequences.live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.f32(q.rows(), q.width()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        Tensor y = outputs.getFirst();
        fields.set("q", q)
                .set("k", k)
                .set("v", v)
                .set("y", y)
                .set("table", sequences.table)
                .set("live", sequences.live)
                .set("sequences", sequences.count)
                .set("q_tokens", sequences.queries)
                .set("kv_tokens", sequences.keys)
                .set("rows", q.rows())
                .set("heads", heads)
                .set("head_dim", q.width() / heads)
                .set("ldq", q.rowStride())
                .set("ldk", k.rowStride())
                .set("ldv", v.rowStride())
                .set("ldy", y.rowStride())
                .set("causal", causal ? 1 : 0)
                .set("scale", scale);
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        AttentionGradient gradient = new AttentionGradient(q, k, v, dy, sequences, heads, causal, scale);
        List<Tensor> bases = new ArrayList<>();
        for (Tensor each : List.of(q, k, v)) {
            if (!bases.contains(each.base())) {
                bases.add(each.base());
            }
        }
        List<Tensor> made = gradients.record(bases, gradient);
        for (int i = 0; i < made.size(); i++) {
            if (gradients.wanted(bases.get(i))) {
                gradients.add(bases.get(i), made.get(i));
            }
        }
    }
}
