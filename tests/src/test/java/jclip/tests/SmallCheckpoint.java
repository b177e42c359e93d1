package jclip.tests;

import java.nio.file.Path;
import jclip.checkpoint.Activation;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.DType;
import jclip.checkpoint.Layout;

/** A small model on disk, made by formula, that takes ordinary texts (the standard vocabulary) and 64-pixel pictures. */
final class SmallCheckpoint {
    static final int EMBED = 32;

    private SmallCheckpoint() {}

    static Architecture architecture() {
        return new Architecture(
                EMBED,
                Activation.QUICK_GELU,
                new Architecture.Vit(64, 16, 64, 2, 2, 32, 256, Architecture.DEFAULT_EPS),
                new Architecture.Text(
                        77, 49408, 32, 2, 2, 16, 128, Architecture.Pool.ARGMAX, -1, Architecture.DEFAULT_EPS));
    }

    /** Writes it and returns its folder. */
    static Path write(Path folder, Layout layout, DType dtype) {
        try (Checkpoint checkpoint = Checkpoint.formula(architecture(), "tests", "a small model")) {
            checkpoint.write(folder, layout, dtype);
        }
        return folder;
    }
}
