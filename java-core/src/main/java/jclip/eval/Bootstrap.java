package jclip.eval;

import java.util.Arrays;
import java.util.function.ToDoubleFunction;

/**
 * Intervals of 95 % by drawing the units of a figure anew, with replacement (Efron 1979, percentile method). The same seed gives the same
 * interval.
 */
public final class Bootstrap {
    /** Enough that the ends of an interval of 95 % move little with the seed. */
    private static final int RESAMPLES = 2000;

    private final long seed;
    private final int resamples;

    /**
     * The usual number of resamples, 2000.
     *
     * @param seed what the samples are drawn from
     */
    public Bootstrap(long seed) {
        this(seed, RESAMPLES);
    }

    Bootstrap(long seed, int resamples) {
        this.seed = seed;
        this.resamples = resamples;
    }

    /** The figure's 2.5 % and 97.5 % quantiles when {@code units} are drawn from as many. The drawn indices are in reused memory. */
    Interval interval(int units, ToDoubleFunction<int[]> figure) {
        double[] values = new double[resamples];
        int[] drawn = new int[units];
        for (int i = 0; i < resamples; i++) {
            Draws draws = new Draws(seed, Draws.BOOTSTRAP, i);
            for (int j = 0; j < units; j++) {
                drawn[j] = draws.below(units);
            }
            values[i] = figure.applyAsDouble(drawn);
        }
        Arrays.sort(values);
        return new Interval(quantile(values, Proportion.ALPHA / 2), quantile(values, 1 - Proportion.ALPHA / 2));
    }

    /** Linear between neighbours, as is usual. */
    private static double quantile(double[] sorted, double share) {
        double place = share * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
