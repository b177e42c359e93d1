package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One step of AdamW over parameters that lie one after the other, in place: p, m and v are read and written, so there are no outputs.
 *
 * @param p [elements], as are g, m and v
 * @param first int64 [segments + 1], where each segment begins; ascending, the last is the number of elements
 * @param scale float64 [segments], of the learning rate
 * @param decay float64 [segments], the weight decay
 * @param step float64 [3]: learning rate, 1 - beta1^t, 1 - beta2^t
 * @param norm from {@link GradientNorm}, or null: g is taken as it is
 */
public record AdamW(
        Tensor p,
        Tensor g,
        Tensor m,
        Tensor v,
        Tensor first,
        Tensor scale,
        Tensor decay,
        Tensor step,
        @Nullable Tensor norm,
        double beta1,
        double beta2,
        double epsilon)
        implements Op {
    @Override
    public String operator() {
        return "adamw";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(p, g, m, v, first, scale, decay, step, norm);
    }

    @Override
    public List<Output> outputs() {
        return List.of();
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("p", p)
                .set("g", g)
                .set("m", m)
                .set("v", v)
                .set("first", first)
                .set("scale", scale)
                .set("decay", decay)
                .set("step", step)
                .set("norm", norm)
                .set("segments", scale.elements())
                .set("beta1", beta1)
                .set("beta2", beta2)
                .set("epsilon", epsilon);
    }
}
