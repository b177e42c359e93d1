package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** y += the sum of the rows of x, which may be a view of columns; y [width of x] is added to in place, so there are no outputs. */
public record ColumnSums(Tensor x, Tensor y) implements Op {
    @Override
    public String operator() {
        return "column_sums";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x, y);
    }

    @Override
    public List<Output> outputs() {
        return List.of();
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("y", y)
                .set("rows", x.rows())
                .set("width", x.width())
                .set("ldx", x.rowStride());
    }
}
