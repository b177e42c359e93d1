package jclip.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import jclip.backend.Context;

/** The softmax loss and its gradient with matrices of all pairs: probabilities of rows and of columns, and similarities that nobody reads. */
final class MatrixLoss implements AutoCloseable {
    private static final double SCALE = Math.exp(2.659f);
    private static final int BLOCK = 64;

    private final long rows;
    private final int threads;
    private final MemorySegment byImage;
    private final MemorySegment byText;
    private final List<Work> softmaxes;
    private final List<Work> products;

    MatrixLoss(Context context, long rows, long width, int threads) {
        this.rows = rows;
        this.threads = threads;
        Work softmax = new Work(context, "logits");
        MemorySegment image = softmax.bytes(4 * rows * width);
        MemorySegment text = softmax.bytes(4 * rows * width);
        ContrastiveLossCase.fill(image, text, rows, width);
        MemorySegment logits = softmax.bytes(4 * rows * rows);
        byImage = softmax.bytes(4 * rows * rows);
        byText = softmax.bytes(4 * rows * rows);
        Work transposed = new Work(context, "logits");
        softmaxes = List.of(
                softmax(softmax, image, text, logits, byImage, width),
                softmax(transposed, text, image, logits, byText, width));
        products = new ArrayList<>();
        product(context, byImage, text, width);
        product(context, byText, image, width);
    }

    private Work softmax(
            Work work, MemorySegment from, MemorySegment to, MemorySegment logits, MemorySegment p, long width) {
        work.set("image", from).set("text", to).set("logits", logits).set("probabilities", p);
        return work.set("rows", rows).set("texts", rows).set("width", width).set("scale", SCALE);
    }

    /** Packs the features, which change at every step, and multiplies. */
    private void product(Context context, MemorySegment gradient, MemorySegment features, long width) {
        Work pack = new Work(context, "gemm_pack");
        MemorySegment packed = pack.bytes(context.library().packedGemmBytes(context, width, rows));
        pack.set("w", features).set("packed", packed).set("n", width).set("k", rows);
        pack.set("stride_n", 1).set("stride_k", width);
        Work gemm = new Work(context, "gemm");
        gemm.set("a", gradient).set("packed", packed).set("y", gemm.bytes(4 * rows * width));
        gemm.set("rows", rows).set("n", width).set("k", rows).set("lda", rows).set("ldy", width);
        products.add(pack);
        products.add(gemm.withWorkspace());
    }

    /** Returns the loss. */
    double run() {
        softmaxes.forEach(Work::run);
        double loss = 0;
        for (long i = 0; i < rows; i++) {
            long at = i * (rows + 1);
            loss -= Math.log(byImage.getAtIndex(ValueLayout.JAVA_FLOAT, at));
            loss -= Math.log(byText.getAtIndex(ValueLayout.JAVA_FLOAT, at));
        }
        gradients();
        products.forEach(Work::run);
        return loss / (2 * rows);
    }

    /** Probabilities become the gradient with respect to the similarities, and its transpose. */
    private void gradients() {
        List<Thread> helpers = new ArrayList<>();
        for (int part = 0; part < threads; part++) {
            int first = part;
            helpers.add(Thread.ofPlatform().start(() -> {
                for (long block = first; block * BLOCK < rows; block += threads) {
                    gradients(block * BLOCK, Math.min(rows, (block + 1) * BLOCK));
                }
            }));
        }
        for (Thread helper : helpers) {
            try {
                helper.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private void gradients(long first, long last) {
        float factor = (float) (SCALE / (2 * rows));
        for (long block = 0; block < rows; block += BLOCK) {
            for (long i = first; i < last; i++) {
                for (long j = block; j < Math.min(rows, block + BLOCK); j++) {
                    float p = byImage.getAtIndex(ValueLayout.JAVA_FLOAT, i * rows + j);
                    float q = byText.getAtIndex(ValueLayout.JAVA_FLOAT, j * rows + i);
                    float g = (i == j ? p + q - 2 : p + q) * factor;
                    byImage.setAtIndex(ValueLayout.JAVA_FLOAT, i * rows + j, g);
                    byText.setAtIndex(ValueLayout.JAVA_FLOAT, j * rows + i, g);
                }
            }
        }
    }

    @Override
    public void close() {
        products.forEach(Work::close);
        softmaxes.forEach(Work::close);
    }
}
