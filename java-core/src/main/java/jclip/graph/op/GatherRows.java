package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Some rows of x: y[i] = x[index[i]], or every {@code step}-th row where there is no index.
 *
 * @param rows how many
 */
public record GatherRows(
        Tensor x,
        @Nullable Tensor index,
        long rows,
        long step,
        @Nullable Tensor live) implements Op {
    /** Rows 0, step, 2 step, … */
    public static GatherRows every(Tensor x, long step) {
        return new GatherRows(x, null, x.rows() / step, step, null);
    }

    @Override
    public String operator() {
        return "gather_rows";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, index, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.f32(rows, x.width()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("index", index)
                .set("y", outputs.getFirst())
                .set("live", live)
                .set("rows", rows)
                .set("source_rows", x.rows())
                .set("width", x.width())
                .set("step", step);
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        gradients.set(x, gradients.record(x, new ScatterRows(dy, index, gradients.pending(x), x.rows(), step, live)));
    }
}
