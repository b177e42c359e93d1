package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** y[t] = table[ids[t]] + positional[positions[t]]; ids and positions int32 [rows], y [rows, width]. */
public record Embedding(
        Tensor ids,
        Tensor positions,
        Tensor table,
        Tensor positional,
        @Nullable Tensor live) implements Op {
    @Override
    public String operator() {
        return "embedding";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(ids, positions, table, positional, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.f32(ids.elements(), table.width()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("ids", ids)
                .set("positions", positions)
                .set("table", table)
                .set("positional", positional)
                .set("y", outputs.getFirst())
                .set("live", live)
                .set("rows", ids.elements())
                .set("width", table.width())
                .set("vocabulary", table.rows())
                .set("context", positional.rows());
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        gradients.record(new EmbeddingGradient(
                ids,
                positions,
                gradients.of(outputs.getFirst()),
                gradients.parameter(table),
                gradients.parameter(positional),
                table.rows(),
                positional.rows(),
                live));
    }
}
