package jclip.data;

import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import jclip.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * What sets of pictures hold, sound or not: every archive gone through, every picture decoded.
 *
 * @param parts one a shard, table or folder
 * @param samples that can be used, their pictures decoded
 * @param labelled samples among them with a label
 * @param classes different labels
 * @param formats pictures by what their bytes say, {@code jpg} and so on
 * @param bytes of an encoded picture
 * @param widths in pixels
 * @param heights in pixels
 * @param captions of sound samples, prompts not counted
 * @param nearDuplicates pictures that have an earlier one within {@link PerceptualHash#NEAR} bits
 * @param firstNearDuplicates the first of these
 * @param firstBroken the first samples that cannot be used
 */
public record Survey(
        List<Part> parts,
        int samples,
        int labelled,
        int classes,
        Map<String, Long> formats,
        Range bytes,
        Range widths,
        Range heights,
        Captions captions,
        int nearDuplicates,
        List<Pair> firstNearDuplicates,
        List<Broken> firstBroken) {
    /** Copies the lists. */
    public Survey {
        parts = List.copyOf(parts);
        formats = Map.copyOf(formats);
        firstNearDuplicates = List.copyOf(firstNearDuplicates);
        firstBroken = List.copyOf(firstBroken);
    }

    /**
     * A shard, table or folder.
     *
     * @param bytes of the file; 0 for a folder
     * @param samples that can be used
     * @param broken samples that cannot, by reason
     * @param damage what is wrong with it as a whole, or null
     */
    public record Part(
            String name,
            long bytes,
            int samples,
            Map<Defect, Long> broken,
            @Nullable String damage) {}

    /** Two pictures that are nearly the same. */
    public record Pair(String picture, String earlier, int distance) {}

    /** A sample that cannot be used. */
    public record Broken(String sample, Defect defect, String detail) {}

    /** Least, mean and most of some numbers; zeros where there are none. */
    public record Range(long least, double mean, long most) {
        static Range of(Collection<? extends Number> values) {
            var statistics = values.stream().mapToLong(Number::longValue).summaryStatistics();
            return statistics.getCount() == 0
                    ? new Range(0, 0, 0)
                    : new Range(statistics.getMin(), statistics.getAverage(), statistics.getMax());
        }
    }

    /**
     * What is said about pictures.
     *
     * @param distinct captions, letter by letter
     * @param empty captions of which no token is left
     * @param eachSample captions of a sample
     * @param words of a caption, between spaces
     * @param tokens of a caption, start and end token counted
     * @param cut captions that a context of 77 tokens would cut
     */
    public record Captions(
            long count, long distinct, long empty, Range eachSample, Range words, Range tokens, long cut) {}

    /** Samples that cannot be used, by reason. */
    public Map<Defect, Long> broken() {
        Map<Defect, Long> all = new EnumMap<>(Defect.class);
        parts.forEach(part -> part.broken().forEach((defect, count) -> all.merge(defect, count, Long::sum)));
        return all;
    }

    /** Whether every part holds samples and none is damaged. Broken samples among sound ones do not count. */
    public boolean isUsable() {
        return !parts.isEmpty() && parts.stream().allMatch(part -> part.samples() > 0 && part.damage() == null);
    }

    /**
     * Goes through sets named as {@link Dataset#open} names them.
     *
     * @param tokenizer counts the tokens
     * @param threads that decode
     * @param progress told how many samples are done, by one thread at a time
     * @throws DataException if a name stands for nothing, or a table or folder cannot be read at all
     */
    public static Survey of(List<String> names, Tokenizer tokenizer, int threads, IntConsumer progress) {
        return new Surveying(tokenizer, threads, progress).of(names);
    }
}
