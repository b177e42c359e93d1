package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gradient of {@link Embedding}, added to the tables' gradients: dTable[ids[t]] += dy[t], dPositional[positions[t]] += dy[t]. No outputs.
 *
 * @param dTable [vocabulary, width], or null if not wanted
 * @param dPositional [context, width], or null if not wanted
 */
public record EmbeddingGradient(
        Tensor ids,
        Tensor positions,
        Tensor dy,
        @Nullable Tensor dTable,
        @Nullable Tensor dPositional,
        long vocabulary,
        long context,
        @Nullable Tensor live)
        implements Op {
    @Override
    public String operator() {
        return "embedding_gradient";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(ids, positions, dy, dTable, dPositional, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of();
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("ids", ids)
                .set("positions", positions)
                .set("dy", dy)
                .set("d_table", dTable)
                .set("d_positional", dPositional)
                .set("live", live)
                .set("rows", ids.elements())
                .set("width", dy.width())
                .set("vocabulary", vocabulary)
                .set("context", context);
    }
}
