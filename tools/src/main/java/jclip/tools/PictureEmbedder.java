package jclip.tools;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import jclip.Clip;
import jclip.backend.NativeMemory;
import jclip.image.ImageException;
import jclip.image.Picture;
import org.jspecify.annotations.Nullable;

/** Embeds picture files in runs; one that cannot be read does not stop the others. */
final class PictureEmbedder {
    private static final int RUN = 32;

    private final Clip clip;
    private final boolean unit;

    /**
     * Embeds with a model.
     *
     * @param unit vectors of unit length; otherwise as the projection gives them
     */
    PictureEmbedder(Clip clip, boolean unit) {
        this.clip = clip;
        this.unit = unit;
    }

    /** A picture's embedding, or why there is none. */
    record Result(
            String input,
            float @Nullable [] embedding,
            @Nullable String error) {}

    /** Hands over a result for each file, in order. */
    void embed(List<String> files, Consumer<Result> results) {
        for (int done = 0; done < files.size(); done += RUN) {
            run(files.subList(done, Math.min(done + RUN, files.size()))).forEach(results);
        }
    }

    private List<Result> run(List<String> files) {
        long image = clip.preprocessor().tensorBytes();
        try (NativeMemory memory = NativeMemory.allocate(files.size() * image)) {
            MemorySegment pixels = memory.segment();
            @Nullable String[] errors = new String[files.size()];
            IntStream.range(0, files.size())
                    .parallel()
                    .forEach(i -> errors[i] = read(files.get(i), pixels.asSlice(i * image, image)));
            int[] good = IntStream.range(0, files.size())
                    .filter(i -> errors[i] == null)
                    .toArray();
            for (int i = 0; i < good.length; i++) {
                if (good[i] != i) {
                    MemorySegment.copy(pixels, good[i] * image, pixels, i * image, image);
                }
            }
            float[][] rows = encode(pixels, good.length);
            List<Result> results = new ArrayList<>();
            int next = 0;
            for (int i = 0; i < errors.length; i++) {
                String error = errors[i];
                results.add(
                        error == null
                                ? new Result(files.get(i), rows[next++], null)
                                : new Result(files.get(i), null, error));
            }
            return results;
        }
    }

    private @Nullable String read(String file, MemorySegment destination) {
        try {
            clip.preprocessor().toTensor(Picture.read(Path.of(file)), destination);
            return null;
        } catch (ImageException | java.nio.file.InvalidPathException e) {
            return Main.message(e);
        }
    }

    private float[][] encode(MemorySegment pixels, int count) {
        float[][] rows = new float[count][];
        if (count == 0) {
            return rows;
        }
        long row = (long) clip.embedDim() * Float.BYTES;
        try (NativeMemory memory = NativeMemory.allocate(count * row)) {
            clip.model().encodeImages(pixels, count, memory.segment(), unit);
            for (int i = 0; i < count; i++) {
                rows[i] = memory.segment().asSlice(i * row, row).toArray(ValueLayout.JAVA_FLOAT);
            }
        }
        return rows;
    }
}
