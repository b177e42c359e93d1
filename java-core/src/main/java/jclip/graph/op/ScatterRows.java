package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Gradient of {@link GatherRows}: y = residual (or zeros), and y[index[i]] += x[i], or y[i step] where there is no index.
 *
 * @param index int32 [rows of x], all different, or null
 * @param residual [yRows, width of x], or null
 * @param live count of rows of x that carry data, or null for all
 */
public record ScatterRows(
        Tensor x,
        @Nullable Tensor index,
        @Nullable Tensor residual,
        long yRows,
        long step,
        @Nullable Tensor live) implements Op {
    @Override
    public String operator() {
        return "scatter_rows";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, index, residual, live);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.f32(yRows, x.width()).reusing(residual));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("index", index)
                .set("residual", residual)
                .set("y", outputs.getFirst())
                .set("live", live)
                .set("rows", x.rows())
                .set("y_rows", yRows)
                .set("width", x.width())
                .set("step", step);
    }
}
