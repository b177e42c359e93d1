package jclip.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jclip.backend.NativeMemory;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Formula;
import jclip.model.Model;
import jclip.model.Shortcuts;

/** A tower with a batch of formula inputs, ready to be run again and again. Not for two threads at once. */
final class LoadedTower implements AutoCloseable {
    private static final int LARGEST = 32;

    private final boolean image;
    private final int batch;
    private final Model model;
    private final NativeMemory pixels;
    private final NativeMemory embeddings;
    private final int[] tokens;

    /** @param threads cap for one call */
    LoadedTower(Tower tower, int batch, int threads) {
        this.image = tower.isImage();
        this.batch = batch;
        try (Checkpoint checkpoint = Checkpoint.formula(tower.model())) {
            this.model = Model.load(checkpoint, new Model.Options(0, 1, LARGEST, threads, Shortcuts.ALL));
        }
        Architecture architecture = model.architecture();
        Architecture.Text text = architecture.text();
        float[] values =
                Formula.pixels("", image ? batch : 1, architecture.vision().imageSize());
        this.pixels = NativeMemory.allocate((long) values.length * Float.BYTES);
        MemorySegment.copy(values, 0, pixels.segment(), ValueLayout.JAVA_FLOAT, 0, values.length);
        int[] lengths = new int[batch];
        Arrays.fill(lengths, text.contextLength());
        this.tokens = Formula.tokens("", lengths, text.contextLength(), text.vocabSize());
        this.embeddings = NativeMemory.allocate((long) batch * architecture.embedDim() * Float.BYTES);
    }

    void encode() {
        if (image) {
            model.encodeImages(pixels.segment(), batch, embeddings.segment(), true);
        } else {
            model.encodeTexts(tokens, batch, embeddings.segment(), true);
        }
    }

    @Override
    public void close() {
        model.close();
        pixels.close();
        embeddings.close();
    }
}
