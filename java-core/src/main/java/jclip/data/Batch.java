package jclip.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import jclip.backend.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * Pictures and token rows for one step, in native memory that belongs to {@link Batches} and holds them until the next
 * batch is asked for. Read only by its user.
 */
public final class Batch {
    private final NativeMemory memory;
    private final MemorySegment pixels;
    private final MemorySegment tokens;
    private final MemorySegment lengths;
    private final int[] sets;
    private final int[] samples;
    private final int[] labels;
    final Map<Defect, Long> drops = new EnumMap<>(Defect.class);
    /** Places that are not filled yet; guarded by the lock of the batches. */
    int missing;

    @Nullable
    Throwable failure;

    private long step;
    private int size;

    Batch(int capacity, long pictureBytes, int context) {
        long pictures = capacity * pictureBytes;
        long rows = 4L * capacity * context;
        memory = NativeMemory.allocate(pictures + rows + 4L * capacity);
        pixels = memory.segment().asSlice(0, pictures);
        tokens = memory.segment().asSlice(pictures, rows);
        lengths = memory.segment().asSlice(pictures + rows, 4L * capacity);
        sets = new int[capacity];
        samples = new int[capacity];
        labels = new int[capacity];
    }

    void begin(long newStep, int newSize) {
        step = newStep;
        size = newSize;
        missing = newSize;
        failure = null;
        drops.clear();
    }

    void fill(int place, int set, int sample, int label, int length) {
        sets[place] = set;
        samples[place] = sample;
        labels[place] = label;
        lengths.setAtIndex(ValueLayout.JAVA_INT, place, length);
    }

    /** Marks a place that holds nothing. */
    void leave(int place) {
        samples[place] = -1;
    }

    /** Moves what is behind places that hold nothing forward. */
    void close() {
        int kept = 0;
        long picture = pixels.byteSize() / samples.length;
        long row = tokens.byteSize() / samples.length;
        for (int i = 0; i < size; i++) {
            if (samples[i] < 0) {
                continue;
            }
            if (kept < i) {
                MemorySegment.copy(pixels, i * picture, pixels, kept * picture, picture);
                MemorySegment.copy(tokens, i * row, tokens, kept * row, row);
                fill(kept, sets[i], samples[i], labels[i], length(i));
            }
            kept++;
        }
        size = kept;
    }

    void free() {
        memory.close();
    }

    /** Which step it is for; counted from 0, in evaluation the number of the batch. */
    public long step() {
        return step;
    }

    /** Samples in it: less than the batch size only at the end of an evaluation or where broken ones were left out. */
    public int size() {
        return size;
    }

    /** fp32, size x 3 x height x width, normalised. The segment is as long as a full batch. */
    public MemorySegment pixels() {
        return pixels;
    }

    /** Token ids of 32 bits, size x context, zeros behind the end token. Empty without a tokenizer. */
    public MemorySegment tokens() {
        return tokens;
    }

    /** Tokens of each row, start and end token counted, 32 bits each. */
    public MemorySegment lengths() {
        return lengths;
    }

    /** Tokens of a row, start and end token counted. */
    public int length(int place) {
        return lengths.getAtIndex(ValueLayout.JAVA_INT, Objects.checkIndex(place, size));
    }

    /** Number of the sample in its set. */
    public int sample(int place) {
        return samples[Objects.checkIndex(place, size)];
    }

    /** Number of the set in the mixture. */
    public int set(int place) {
        return sets[Objects.checkIndex(place, size)];
    }

    /** Class of the sample, or -1. */
    public int label(int place) {
        return labels[Objects.checkIndex(place, size)];
    }
}
