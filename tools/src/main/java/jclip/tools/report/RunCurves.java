package jclip.tools.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import jclip.tools.JsonObject;

/** The curves of a training run, from its {@code log.jsonl}. */
public final class RunCurves {
    private static final String STEP = "step";

    private RunCurves() {}

    /** Loss beside ln(batch), logit scale, learning rate, gradient norm and pace; those that the log has. */
    public static List<Curve> of(Path log) {
        List<JsonObject> lines = JsonObject.readLines(log);
        List<Curve> curves = new ArrayList<>();
        add(
                curves,
                "Loss",
                line(lines, "loss", "training", false, value -> value),
                line(lines, "ln_batch", "ln(batch): no knowledge", true, value -> value),
                line(lines, "validation_loss", "validation", false, value -> value));
        add(curves, "Logit scale", line(lines, "logit_scale", "exp of the parameter", false, Math::exp));
        add(curves, "Learning rate", line(lines, "learning_rate", "learning rate", false, value -> value));
        add(curves, "Gradient norm", line(lines, "gradient_norm", "before clipping", false, value -> value));
        add(curves, "Pace", line(lines, "pairs_per_second", "pairs a second", false, value -> value));
        return curves;
    }

    private static void add(List<Curve> curves, String title, Line... lines) {
        List<Line> some =
                List.of(lines).stream().filter(line -> line.size() > 0).toList();
        if (!some.isEmpty()) {
            curves.add(new Curve(title, STEP, some));
        }
    }

    private static Line line(
            List<JsonObject> log, String field, String name, boolean dashed, DoubleUnaryOperator change) {
        // a number that was not finite stands in the log as null: a gap
        List<JsonObject> lines = log.stream()
                .filter(line -> line.has(STEP) && line.names().contains(field))
                .toList();
        double[] x = lines.stream().mapToDouble(line -> line.number(STEP)).toArray();
        double[] y = lines.stream()
                .mapToDouble(line -> line.has(field) ? change.applyAsDouble(line.number(field)) : Double.NaN)
                .toArray();
        return new Line(name, x, y, dashed);
    }
}
