package jclip.eval;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How unequally a classifier treats groups of people (the CLIP paper, section 7.1).
 *
 * @param accuracy over the groups with samples
 * @param flaggedRate over the groups with samples
 * @param overallAccuracy of all samples together
 */
public record Disparity(Spread accuracy, Spread flaggedRate, Proportion overallAccuracy) {
    /**
     * A group's samples.
     *
     * @param name of the group
     * @param samples may be 0
     * @param correct samples classified rightly
     * @param flagged samples that got a label under watch
     */
    public record Group(String name, long samples, long correct, long flagged) {
        /** Share of samples classified rightly. */
        public Proportion accuracy() {
            return new Proportion(correct, samples);
        }

        /** Share of samples that got a label under watch. */
        public Proportion flaggedRate() {
            return new Proportion(flagged, samples);
        }
    }

    /**
     * A figure over groups; everything is null without groups.
     *
     * @param max the largest
     * @param maxGroup the first group that has it
     * @param min the smallest
     * @param minGroup the first group that has it
     * @param gap max - min
     * @param ratio max / min; null if min is 0
     * @param mean of the groups' figures
     * @param std their standard deviation as a population
     */
    public record Spread(
            @Nullable Double max,
            @Nullable String maxGroup,
            @Nullable Double min,
            @Nullable String minGroup,
            @Nullable Double gap,
            @Nullable Double ratio,
            @Nullable Double mean,
            @Nullable Double std) {
        private static final Spread NONE = new Spread(null, null, null, null, null, null, null, null);
    }

    /** Compares groups. */
    public static Disparity of(List<Group> groups) {
        long samples = groups.stream().mapToLong(Group::samples).sum();
        long correct = groups.stream().mapToLong(Group::correct).sum();
        return new Disparity(
                spread(groups, Group::accuracy), spread(groups, Group::flaggedRate), new Proportion(correct, samples));
    }

    private static Spread spread(List<Group> all, Function<Group, Proportion> figure) {
        List<Group> groups = all.stream().filter(group -> group.samples() > 0).toList();
        if (groups.isEmpty()) {
            return Spread.NONE;
        }
        double[] values = groups.stream()
                .map(figure)
                .mapToDouble(p -> (double) p.successes() / p.trials())
                .toArray();
        int most = 0;
        int least = 0;
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            most = values[i] > values[most] ? i : most;
            least = values[i] < values[least] ? i : least;
            sum += values[i];
        }
        double mean = sum / values.length;
        double squares = 0;
        for (double value : values) {
            squares += (value - mean) * (value - mean);
        }
        double max = values[most];
        double min = values[least];
        return new Spread(
                max,
                groups.get(most).name(),
                min,
                groups.get(least).name(),
                max - min,
                min == 0 ? null : max / min,
                mean,
                Math.sqrt(squares / values.length));
    }
}
