package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Gradients;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** Average over kernel x kernel windows, stride = kernel: x [batch, height, width, channels], leftover rows and columns dropped. */
public record AvgPool(Tensor x, long kernel) implements Op {
    @Override
    public String operator() {
        return "avg_pool";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(x);
    }

    @Override
    public List<Output> outputs() {
        return List.of(Output.f32(
                x.shape().get(0), x.shape().get(1) / kernel, x.shape().get(2) / kernel, x.width()));
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("x", x)
                .set("y", outputs.getFirst())
                .set("batch", x.shape().get(0))
                .set("height", x.shape().get(1))
                .set("width", x.shape().get(2))
                .set("channels", x.width())
                .set("kernel", kernel);
    }

    @Override
    public void gradient(List<Tensor> outputs, Gradients gradients) {
        Tensor dy = gradients.of(outputs.getFirst());
        gradients.add(x, gradients.record(x, new AvgPoolGradient(dy, x.shape(), kernel)));
    }
}
