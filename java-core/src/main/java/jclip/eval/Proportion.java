package jclip.eval;

import java.util.function.DoublePredicate;
import org.jspecify.annotations.Nullable;

/**
 * How many of a number of independent trials succeeded.
 *
 * @param successes from 0 to {@code trials}
 * @param trials may be 0: the proportion is then undefined
 */
public record Proportion(long successes, long trials) {
    /** The level of significance of 95 % intervals. */
    public static final double ALPHA = 0.05;

    public Proportion {
        if (successes < 0 || successes > trials) {
            throw new IllegalArgumentException(successes + " successes of " + trials + " trials");
        }
    }

    /** Successes by trials, or null without trials. */
    public @Nullable Double value() {
        return trials == 0 ? null : (double) successes / trials;
    }

    /** The exact interval of 95 %. */
    public Interval interval() {
        return interval(ALPHA);
    }

    /**
     * The exact two-sided interval of Clopper and Pearson (1934), [0, 1] without trials.
     *
     * @param alpha the probability left outside, between 0 and 1
     */
    public Interval interval(double alpha) {
        if (!(alpha > 0 && alpha < 1)) {
            throw new IllegalArgumentException("alpha " + alpha + "; it must be between 0 and 1");
        }
        double low = successes == 0 ? 0 : first(p -> Binomial.upperTail(successes, trials, p) >= alpha / 2);
        double high = successes == trials ? 1 : first(p -> Binomial.lowerTail(successes, trials, p) <= alpha / 2);
        return new Interval(low, high);
    }

    /** By bisection to the last bit, the least probability for which a condition holds that holds from there to 1. */
    private static double first(DoublePredicate condition) {
        double low = 0;
        double high = 1;
        for (double middle = 0.5; middle > low && middle < high; middle = (low + high) / 2) {
            if (condition.test(middle)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return high;
    }
}
