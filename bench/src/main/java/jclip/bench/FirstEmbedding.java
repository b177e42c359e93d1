package jclip.bench;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import jclip.Clip;
import jclip.image.Picture;

/**
 * The process that {@link ColdStart} and {@link PeakMemory} start: {@code FirstEmbedding CHECKPOINT PICTURES}. Loads a checkpoint and embeds
 * that many formula pictures one by one. Prints one line: {@code embedded}, epoch nanoseconds after the first embedding, milliseconds from entering
 * main to it, peak resident KiB, milliseconds of processor time up to it, and the embedding's first number.
 */
public final class FirstEmbedding {
    /** First word of its answer. */
    static final String ANSWER = "embedded";

    private FirstEmbedding() {}

    public static void main(String[] args) {
        Instant start = Instant.now();
        try (Clip clip = Clip.load(Path.of(args[0]))) {
            float[] first = clip.encodePicture(picture(0));
            Instant now = Instant.now();
            long processor = ProcessHandle.current()
                    .info()
                    .totalCpuDuration()
                    .orElseThrow()
                    .toMillis();
            for (int i = 1; i < Integer.parseInt(args[1]); i++) {
                clip.encodePicture(picture(i));
            }
            long nanos = Math.addExact(Math.multiplyExact(now.getEpochSecond(), 1_000_000_000L), now.getNano());
            System.out.println(String.join(
                    " ",
                    List.of(
                            ANSWER,
                            Long.toString(nanos),
                            Long.toString(Duration.between(start, now).toMillis()),
                            Long.toString(Resident.peakKibibytes()),
                            Long.toString(processor),
                            Float.toString(first[0]))));
        }
    }

    /** 640 x 480 pixels, each picture another. */
    private static Picture picture(int number) {
        byte[] rgb = new byte[640 * 480 * 3];
        for (int i = 0; i < rgb.length; i++) {
            rgb[i] = (byte) (i * 7 + (i >> 9) * (number + 3));
        }
        return Picture.ofRgb(MemorySegment.ofArray(rgb), 640, 480);
    }
}
