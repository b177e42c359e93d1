package jclip.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import jclip.backend.Context;

/**
 * The contrastive loss of random features of unit length, the texts partly aligned with the images; with gradient=1 its gradient, too. kind
 * as numbered in the header (0: softmax, 1: sigmoid). Products: one of all pairs forward, three backward.
 */
record ContrastiveLossCase(long rows, long width, long kind, boolean gradient) implements Case {
    private static final float LOG_SCALE = 2.659f;

    static ContrastiveLossCase of(Line line) {
        return new ContrastiveLossCase(
                line.get("rows"), line.get("width"), line.get("kind", 0), line.get("gradient", 0) == 1);
    }

    @Override
    public Amount amount() {
        return new Amount((gradient ? 8.0 : 2.0) * rows * rows * width, 4.0 * rows * width * (gradient ? 4 : 2));
    }

    @Override
    public Work open(Context context) {
        Work loss = new Work(context, "contrastive_loss");
        MemorySegment image = loss.bytes(4 * rows * width);
        MemorySegment text = loss.bytes(4 * rows * width);
        fill(image, text, rows, width);
        MemorySegment logScale = loss.bytes(4);
        logScale.set(ValueLayout.JAVA_FLOAT, 0, LOG_SCALE);
        MemorySegment statistics = loss.bytes(4 * 5 * rows);
        loss.set("image", image).set("text", text).set("log_scale", logScale);
        loss.set("loss", loss.bytes(4)).set("statistics", statistics);
        loss.set("rows", rows).set("width", width).set("kind", kind).withWorkspace();
        if (!gradient) {
            return loss;
        }
        Work back = new Work(context, "contrastive_loss_gradient");
        back.set("image", image).set("text", text).set("log_scale", logScale).set("statistics", statistics);
        back.set("d_image", back.bytes(4 * rows * width)).set("d_text", back.bytes(4 * rows * width));
        back.set("d_log_scale", back.bytes(4)).set("upstream", 1.0);
        return loss.then(
                back.set("rows", rows).set("width", width).set("kind", kind).withWorkspace());
    }

    /** Unit rows; always the same. */
    static void fill(MemorySegment image, MemorySegment text, long rows, long width) {
        Random random = new Random(1);
        for (long row = 0; row < rows; row++) {
            for (long i = row * width; i < (row + 1) * width; i++) {
                float value = random.nextFloat() - 0.5f;
                image.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
                text.setAtIndex(ValueLayout.JAVA_FLOAT, i, 0.3f * value + random.nextFloat() - 0.5f);
            }
            normalise(image, row * width, width);
            normalise(text, row * width, width);
        }
    }

    private static void normalise(MemorySegment x, long first, long width) {
        double squares = 0;
        for (long i = first; i < first + width; i++) {
            double value = x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            squares += value * value;
        }
        for (long i = first; i < first + width; i++) {
            float value = x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (value / Math.sqrt(squares)));
        }
    }
}
