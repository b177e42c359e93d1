package jclip.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Linear probes (the CLIP paper, section 3.2 and appendix A.3): logistic regression on frozen features, its C chosen on a validation split from
 * 97 values spaced evenly by logarithm between 1e-6 and 1e6, by a search that starts with every sixteenth and halves the step around the
 * best; fitted in the end on training and validation samples together. Of equal validation accuracies the lower cross-entropy wins, which
 * the paper leaves open. Nothing here sees test samples before the last fit.
 */
public final class LinearProbe {
    private static final int STEPS = 96;
    private static final int FIRST_STEP = 16;
    private static final double STEPS_PER_DECADE = 8;
    private static final double LEAST_EXPONENT = -6;
    /** Every fifth training sample of a class validates. */
    private static final int VALIDATION_SHARE = 5;
    /** As many validation samples a class as shots, but not more than this. */
    private static final int MOST_VALIDATION_SHOTS = 4;

    /**
     * Labelled features.
     *
     * @param rows [samples][features]
     * @param labels of the samples, from 0
     */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares samples
    public record Samples(float[][] rows, int[] labels) {
        public Samples {
            if (rows.length != labels.length || rows.length == 0) {
                throw new IllegalArgumentException(rows.length + " samples and " + labels.length + " labels");
            }
        }

        Samples at(int[] indices) {
            return new Samples(
                    Arrays.stream(indices).mapToObj(i -> rows[i]).toArray(float[][]::new),
                    Arrays.stream(indices).map(i -> labels[i]).toArray());
        }
    }

    /**
     * A fitted probe.
     *
     * @param c the value chosen
     * @param fit on all samples given
     */
    public record Fitted(double c, LogisticRegression fit) {
        /** Its answers for samples of the same classes. */
        public Classification classify(Samples samples, int classes) {
            return Classification.of(
                    samples.labels,
                    Arrays.stream(samples.rows).mapToInt(fit::predict).toArray(),
                    classes);
        }
    }

    private record Score(LogisticRegression fit, int correct, double crossEntropy) {
        boolean isBetterThan(Score other) {
            return correct != other.correct ? correct > other.correct : crossEntropy < other.crossEntropy;
        }
    }

    private final Samples training;
    private final Samples validation;
    private final LogisticRegression.Options options;
    private final Map<Integer, Score> scores = new TreeMap<>();

    private LinearProbe(Samples training, Samples validation, LogisticRegression.Options options) {
        this.training = training;
        this.validation = validation;
        this.options = options;
    }

    /**
     * A probe on all samples; a fifth of each class, drawn at random, validates while C is chosen.
     *
     * @param seed what the split is drawn from
     * @param options of every fit; their C is not used
     * @throws IllegalArgumentException if no class has two samples
     */
    public static Fitted fit(Samples samples, long seed, LogisticRegression.Options options) {
        List<Integer> training = new ArrayList<>();
        List<Integer> validation = new ArrayList<>();
        for (int[] ofClass : shuffledByClass(samples, new Draws(seed, Draws.PROBE, 0))) {
            int held = ofClass.length < 2 ? 0 : Math.max(1, ofClass.length / VALIDATION_SHARE);
            take(ofClass, 0, held, validation);
            take(ofClass, held, ofClass.length, training);
        }
        return choose(samples, training, samples, validation, options);
    }

    /**
     * A probe on a few samples a class, drawn at random, or on all of a class that has fewer. As many others, up to four a class, validate
     * while C is chosen; they are not fitted.
     *
     * @param shots samples a class, at least 1
     * @param seed what the samples are drawn from
     * @throws IllegalArgumentException if no class has more than {@code shots} samples: nothing is left to validate
     */
    public static Fitted fewShot(Samples samples, int shots, long seed, LogisticRegression.Options options) {
        if (shots < 1) {
            throw new IllegalArgumentException(shots + " shots; at least 1 is wanted");
        }
        List<Integer> training = new ArrayList<>();
        List<Integer> validation = new ArrayList<>();
        for (int[] ofClass : shuffledByClass(samples, new Draws(seed, Draws.PROBE, 0))) {
            int end = Math.min(shots, ofClass.length);
            take(ofClass, 0, end, training);
            int held = Math.min(ofClass.length - end, Math.min(shots, MOST_VALIDATION_SHOTS));
            take(ofClass, end, end + held, validation);
        }
        Samples few = samples.at(indices(training));
        return choose(few, IntStream.range(0, training.size()).boxed().toList(), samples, validation, options);
    }

    /** Chooses C on some of all samples, then fits all. */
    private static Fitted choose(
            Samples all,
            List<Integer> training,
            Samples others,
            List<Integer> validation,
            LogisticRegression.Options options) {
        if (validation.isEmpty()) {
            throw new IllegalArgumentException("no class has a sample left to choose C with; give more training samples"
                    + " or ask for fewer shots");
        }
        LinearProbe probe = new LinearProbe(all.at(indices(training)), others.at(indices(validation)), options);
        double c = c(probe.search());
        return new Fitted(c, LogisticRegression.fit(all.rows, all.labels, options.withC(c)));
    }

    private static double c(int step) {
        return Math.pow(10, LEAST_EXPONENT + step / STEPS_PER_DECADE);
    }

    /** The best step of the grid, by halving. */
    private int search() {
        LogisticRegression last = null;
        int best = 0;
        for (int step = 0; step <= STEPS; step += FIRST_STEP) {
            last = score(step, last).fit;
            best = better(best, step);
        }
        for (int width = FIRST_STEP / 2; width > 0; width /= 2) {
            int middle = best;
            LogisticRegression start = scored(middle).fit;
            for (int step : new int[] {middle - width, middle + width}) {
                if (step >= 0 && step <= STEPS) {
                    score(step, start);
                    best = better(best, step);
                }
            }
        }
        return best;
    }

    private int better(int best, int step) {
        return scored(step).isBetterThan(scored(best)) ? step : best;
    }

    private Score scored(int step) {
        return Objects.requireNonNull(scores.get(step));
    }

    /** Starts where a neighbour ended: the way is shorter, and the minimum the same. */
    private Score score(int step, @Nullable LogisticRegression start) {
        LogisticRegression fit = LogisticRegression.fit(training.rows, training.labels, options.withC(c(step)), start);
        int correct = 0;
        double crossEntropy = 0;
        for (int i = 0; i < validation.rows.length; i++) {
            double[] logits = fit.logits(validation.rows[i]);
            int place = Arrays.binarySearch(fit.classes(), validation.labels[i]);
            correct += Ranking.best(logits) == place ? 1 : 0;
            double wanted = place < 0 ? Double.NEGATIVE_INFINITY : logits[place];
            crossEntropy += LogisticRegression.softmax(logits) - wanted;
        }
        Score score = new Score(fit, correct, crossEntropy);
        scores.put(step, score);
        return score;
    }

    /** The samples of each class, in an order by chance (Fisher and Yates). */
    private static List<int[]> shuffledByClass(Samples samples, Draws random) {
        Map<Integer, List<Integer>> byClass = new TreeMap<>();
        for (int i = 0; i < samples.labels.length; i++) {
            byClass.computeIfAbsent(samples.labels[i], label -> new ArrayList<>())
                    .add(i);
        }
        List<int[]> all = new ArrayList<>();
        for (List<Integer> ofClass : byClass.values()) {
            int[] order = indices(ofClass);
            for (int i = order.length - 1; i > 0; i--) {
                int other = random.below(i + 1);
                int moved = order[i];
                order[i] = order[other];
                order[other] = moved;
            }
            all.add(order);
        }
        return all;
    }

    private static void take(int[] from, int start, int end, List<Integer> to) {
        for (int i = start; i < end; i++) {
            to.add(from[i]);
        }
    }

    private static int[] indices(List<Integer> list) {
        return list.stream().mapToInt(Integer::intValue).toArray();
    }
}
