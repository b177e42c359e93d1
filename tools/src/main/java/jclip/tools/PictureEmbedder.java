package jclip.tools;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import jclip.Clip;
import jclip.backend.Library;
import jclip.backend.NativeMemory;
import jclip.image.PictureFailure;
import jclip.image.PictureSource;
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

    /** Hands over a result for each file, in order; on a terminal the error stream shows how far it is. */
    void embed(List<String> files, Consumer<Result> results) {
        try (Progress progress = Progress.onTerminal("pictures", files.size())) {
            for (int done = 0; done < files.size(); done += RUN) {
                int end = Math.min(done + RUN, files.size());
                run(files.subList(done, end)).forEach(results);
                progress.at(end);
            }
        }
    }

    private List<Result> run(List<String> files) {
        long image = clip.preprocessor().tensorBytes();
        @Nullable String[] errors = new String[files.size()];
        try (NativeMemory memory = NativeMemory.allocate(files.size() * image)) {
            MemorySegment pixels = memory.segment();
            List<PictureSource> sources = new ArrayList<>();
            List<Integer> places = new ArrayList<>();
            for (int i = 0; i < errors.length; i++) {
                try {
                    sources.add(PictureSource.of(Path.of(files.get(i))));
                    places.add(i);
                } catch (InvalidPathException e) {
                    errors[i] = Main.message(e);
                }
            }
            for (PictureFailure failure :
                    clip.preprocessor().toTensors(sources, pixels, Library.cpu().threads())) {
                errors[places.get(failure.index())] = Main.message(failure.error());
            }
            int good = 0;
            for (int i = 0; i < places.size(); i++) {
                if (errors[places.get(i)] == null) {
                    MemorySegment.copy(pixels, i * image, pixels, good++ * image, image);
                }
            }
            return results(files, errors, encode(pixels, good));
        }
    }

    private static List<Result> results(List<String> files, @Nullable String[] errors, float[][] rows) {
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
