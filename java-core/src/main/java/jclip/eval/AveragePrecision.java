package jclip.eval;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * How well scores put the positive samples of one class before the negative ones. Equal scores form one point of the curve of precision and
 * recall.
 *
 * @param positives samples of the class
 * @param full area under the steps of the curve; null without positives
 * @param elevenPoint mean of the best precision from recall 0, 0.1, ... 1 on (Pascal VOC 2007); null without positives
 * @param rocAuc probability that a positive scores above a negative, equality counting half; null unless there are both
 */
public record AveragePrecision(
        int positives,
        @Nullable Double full,
        @Nullable Double elevenPoint,
        @Nullable Double rocAuc) {
    private static final int RECALLS = 10;

    /**
     * The figures of one class.
     *
     * @param scores of the samples
     * @param labels 1 positive, 0 negative, -1 left out
     * @throws IllegalArgumentException for another label, a score that is NaN, or arrays of different lengths
     */
    public static AveragePrecision of(double[] scores, int[] labels) {
        check(scores, labels);
        int[] order = IntStream.range(0, scores.length)
                .filter(i -> labels[i] >= 0)
                .boxed()
                .sorted((i, j) -> Double.compare(scores[j], scores[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        int positives = (int) Arrays.stream(order).filter(i -> labels[i] == 1).count();
        int negatives = order.length - positives;
        if (positives == 0) {
            return new AveragePrecision(0, null, null, null);
        }
        double area = 0;
        double[] best = new double[RECALLS + 1];
        double ordered = 0;
        int truePositives = 0;
        for (int from = 0; from < order.length; ) {
            int to = from;
            int found = 0;
            while (to < order.length && scores[order[to]] == scores[order[from]]) {
                found += labels[order[to++]];
            }
            truePositives += found;
            double precision = (double) truePositives / to;
            area += (double) found / positives * precision;
            // In integers: recall reaches tenths exactly.
            for (int t = 0; t <= RECALLS && (long) RECALLS * truePositives >= (long) t * positives; t++) {
                best[t] = Math.max(best[t], precision);
            }
            double negativesHere = to - from - found;
            ordered += found * (negatives - (to - truePositives) + negativesHere / 2);
            from = to;
        }
        Double auc = negatives == 0 ? null : ordered / ((double) positives * negatives);
        return new AveragePrecision(positives, area, Arrays.stream(best).sum() / best.length, auc);
    }

    private static void check(double[] scores, int[] labels) {
        if (scores.length != labels.length) {
            throw new IllegalArgumentException(scores.length + " scores and " + labels.length + " labels");
        }
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] < -1 || labels[i] > 1 || Double.isNaN(scores[i])) {
                throw new IllegalArgumentException("sample " + i + " has score " + scores[i] + " and label " + labels[i]
                        + "; wanted a number and 1, 0 or -1");
            }
        }
    }
}
