package jclip.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Layout;

/** A formula model as a safetensors folder on disk, removed at the end. */
final class FormulaFolder implements AutoCloseable {
    private final Path parent;
    private final long parameters;

    FormulaFolder(String model) throws IOException {
        parent = Files.createTempDirectory("jclip-bench");
        try (Checkpoint checkpoint = Checkpoint.formula(model)) {
            parameters = checkpoint.architecture().parameters();
            checkpoint.write(path(), Layout.OPENCLIP);
        }
    }

    Path path() {
        return parent.resolve("model");
    }

    /** Bytes of all weights in fp32. */
    long weightBytes() {
        return parameters * Float.BYTES;
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> files = Files.walk(parent)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
