package jclip.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A classifier's answers beside the truth. */
public final class Classification {
    private final int[][] confusion;
    private final int[] predictions;
    private final int @Nullable [] ranks;

    private Classification(int[] labels, int[] predictions, int @Nullable [] ranks, int classes) {
        this.predictions = predictions;
        this.ranks = ranks;
        this.confusion = new int[classes][classes];
        for (int i = 0; i < labels.length; i++) {
            confusion[labels[i]][predictions[i]]++;
        }
    }

    /**
     * From labels and predictions.
     *
     * @param labels true classes, counted from 0
     * @param predictions of the same samples
     * @throws IllegalArgumentException if a class is outside or the lists differ in length
     */
    public static Classification of(int[] labels, int[] predictions, int classes) {
        check(labels, classes, "label");
        check(predictions, classes, "prediction");
        if (labels.length != predictions.length) {
            throw new IllegalArgumentException(labels.length + " labels and " + predictions.length + " predictions");
        }
        return new Classification(labels, predictions.clone(), null, classes);
    }

    /**
     * From scores, higher for the likelier class.
     *
     * @param scores of a sample by its number: a score a class; asked for once each, in order
     * @throws IllegalArgumentException if a label is outside or a score is NaN
     */
    public static Classification ofScores(IntFunction<double[]> scores, int[] labels, int classes) {
        check(labels, classes, "label");
        int[] predictions = new int[labels.length];
        int[] ranks = new int[labels.length];
        for (int i = 0; i < labels.length; i++) {
            double[] row = scores.apply(i);
            Ranking.check(row, classes, "sample " + i);
            predictions[i] = Ranking.best(row);
            ranks[i] = Ranking.rank(row, labels[i]);
        }
        return new Classification(labels, predictions, ranks, classes);
    }

    private static void check(int[] values, int classes, String what) {
        for (int i = 0; i < values.length; i++) {
            if (values[i] < 0 || values[i] >= classes) {
                throw new IllegalArgumentException(
                        what + " " + values[i] + " of sample " + i + " is outside the " + classes + " classes");
            }
        }
    }

    /** Samples of each class that were taken for each: [true][predicted]. */
    public int[][] confusion() {
        return Arrays.stream(confusion).map(int[]::clone).toArray(int[][]::new);
    }

    /** The predicted class of each sample. */
    public int[] predictions() {
        return predictions.clone();
    }

    /** Samples predicted rightly. */
    public Proportion accuracy() {
        return new Proportion(
                perClass().stream().mapToLong(Proportion::successes).sum(), predictions.length);
    }

    /**
     * Samples whose class is among the first k.
     *
     * @throws IllegalStateException if this was made without scores
     */
    public Proportion topK(int k) {
        if (ranks == null) {
            throw new IllegalStateException("predictions alone have no order beyond the first");
        }
        return new Proportion(Arrays.stream(ranks).filter(rank -> rank < k).count(), ranks.length);
    }

    /** The accuracy of each class's samples. */
    public List<Proportion> perClass() {
        List<Proportion> recalls = new ArrayList<>();
        for (int i = 0; i < confusion.length; i++) {
            recalls.add(new Proportion(
                    confusion[i][i], Arrays.stream(confusion[i]).asLongStream().sum()));
        }
        return recalls;
    }

    /** The mean of the recalls of classes with samples, or null without samples. */
    public @Nullable Double meanPerClass() {
        return Mean.ofDefined(perClass().stream().map(Proportion::value).toList());
    }

    /** An interval of 95 % for {@link #meanPerClass} by drawing classes anew, or null without samples. */
    public @Nullable Interval meanPerClass(Bootstrap bootstrap) {
        double[] recalls = perClass().stream()
                .map(Proportion::value)
                .flatMap(Stream::ofNullable)
                .mapToDouble(Double::doubleValue)
                .toArray();
        return recalls.length == 0
                ? null
                : bootstrap.interval(
                        recalls.length,
                        drawn -> Arrays.stream(drawn)
                                        .mapToDouble(i -> recalls[i])
                                        .sum()
                                / drawn.length);
    }
}
