package jclip.graph.op;

import java.util.List;
import java.util.stream.Stream;
import jclip.graph.Op;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** logits = scale image text^T and, per row, their softmax over the texts: two outputs [images, texts]. */
public record Logits(Tensor image, Tensor text, double scale) implements Op {
    @Override
    public String operator() {
        return "logits";
    }

    @Override
    public Stream<@Nullable Tensor> inputs() {
        return Stream.of(image, text);
    }

    @Override
    public List<Output> outputs() {
        Output matrix = Output.f32(image.rows(), text.rows());
        return List.of(matrix, matrix);
    }

    @Override
    public void write(Fields fields, List<Tensor> outputs) {
        fields.set("image", image)
                .set("text", text)
                .set("logits", outputs.get(0))
                .set("probabilities", outputs.get(1))
                .set("rows", image.rows())
                .set("texts", text.rows())
                .set("width", image.width())
                .set("scale", scale);
    }
}
