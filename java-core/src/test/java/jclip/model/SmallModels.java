package jclip.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.checkpoint.Activation;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Formula;

/** Small architectures with formula weights, and inputs for them: every kind of tower, nothing read from disk. */
final class SmallModels {
    static final int CONTEXT = 77;
    static final int VOCABULARY = 320;

    private SmallModels() {}

    static Architecture vit(Activation activation) {
        return new Architecture(
                40,
                activation,
                new Architecture.Vit(48, 8, 96, 3, 3, 32, 384, Architecture.DEFAULT_EPS),
                text(Architecture.Pool.ARGMAX));
    }

    static Architecture resNet() {
        return new Architecture(
                40,
                Activation.QUICK_GELU,
                new Architecture.ResNet(64, 8, List.of(1, 2, 1, 1), 4, 64, 256, Architecture.DEFAULT_EPS),
                text(Architecture.Pool.EOS));
    }

    private static Architecture.Text text(Architecture.Pool pool) {
        int eos = pool == Architecture.Pool.EOS ? VOCABULARY - 1 : -1;
        return new Architecture.Text(CONTEXT, VOCABULARY, 64, 3, 4, 16, 256, pool, eos, Architecture.DEFAULT_EPS);
    }

    static Model load(Architecture architecture, Shortcuts shortcuts, int threads) {
        return load(architecture, shortcuts, threads, Library.cpu().isa());
    }

    static Model load(Architecture architecture, Shortcuts shortcuts, int threads, Isa isa) {
        try (Checkpoint checkpoint = Checkpoint.formula(architecture, "small", "a small model")) {
            return Model.load(checkpoint, new Model.Options(0, 0, 32, threads, shortcuts), isa);
        }
    }

    static float[] pixels(Architecture architecture, int count) {
        return Formula.pixels("small", count, architecture.vision().imageSize());
    }

    /** Texts of all lengths from 3 (start, one word, end) to the full context. */
    static int[] tokens(int count) {
        int[] lengths = new int[count];
        for (int i = 0; i < count; i++) {
            lengths[i] = 3 + (i * 31) % (CONTEXT - 2);
        }
        return Formula.tokens("small", lengths, CONTEXT, VOCABULARY);
    }

    static float[] images(Model model, float[] pixels, int first, int count) {
        int image = pixels.length / (pixels.length / (3 * side(model) * side(model)));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = arena.allocate((long) count * image * Float.BYTES, 64);
            MemorySegment.copy(pixels, first * image, in, ValueLayout.JAVA_FLOAT, 0, count * image);
            MemorySegment out =
                    arena.allocate((long) count * model.architecture().embedDim() * Float.BYTES, 64);
            model.encodeImages(in, count, out, false);
            return out.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    private static int side(Model model) {
        return model.architecture().vision().imageSize();
    }

    static float[] texts(Model model, int[] tokens, int first, int count) {
        int[] rows = java.util.Arrays.copyOfRange(tokens, first * CONTEXT, (first + count) * CONTEXT);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out =
                    arena.allocate((long) count * model.architecture().embedDim() * Float.BYTES, 64);
            model.encodeTexts(rows, count, out, false);
            return out.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    static float[] row(float[] matrix, int width, int index) {
        return java.util.Arrays.copyOfRange(matrix, index * width, (index + 1) * width);
    }
}
