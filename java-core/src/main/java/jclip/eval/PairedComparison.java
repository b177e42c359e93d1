package jclip.eval;

import org.jspecify.annotations.Nullable;

/**
 * Two classifiers on the same samples, by McNemar's tests (1947).
 *
 * @param bothRight samples that both have right
 * @param onlyA samples that only the first has right
 * @param onlyB samples that only the second has right
 * @param bothWrong samples that both have wrong
 */
public record PairedComparison(long bothRight, long onlyA, long onlyB, long bothWrong) {
    public PairedComparison {
        if (Math.min(Math.min(bothRight, onlyA), Math.min(onlyB, bothWrong)) < 0) {
            throw new IllegalArgumentException(
                    "a negative count: " + bothRight + ", " + onlyA + ", " + onlyB + ", " + bothWrong);
        }
    }

    /**
     * Counts.
     *
     * @param rightA whether the first has a sample right
     * @param rightB the same of the second, in the same order
     */
    public static PairedComparison of(boolean[] rightA, boolean[] rightB) {
        if (rightA.length != rightB.length) {
            throw new IllegalArgumentException(rightA.length + " and " + rightB.length + " samples are no pairs");
        }
        long[] counts = new long[4];
        for (int i = 0; i < rightA.length; i++) {
            counts[(rightA[i] ? 0 : 2) + (rightB[i] ? 0 : 1)]++;
        }
        return new PairedComparison(counts[0], counts[1], counts[2], counts[3]);
    }

    /** Accuracy of the first. */
    public Proportion accuracyA() {
        return new Proportion(bothRight + onlyA, samples());
    }

    /** Accuracy of the second. */
    public Proportion accuracyB() {
        return new Proportion(bothRight + onlyB, samples());
    }

    private long samples() {
        return bothRight + onlyA + onlyB + bothWrong;
    }

    /** Probability of counts at least as unequal if both are equally good: the exact two-sided sign test. */
    public double exactP() {
        return Math.min(1, 2 * Binomial.lowerTail(Math.min(onlyA, onlyB), onlyA + onlyB, 0.5));
    }

    /** McNemar's statistic with the correction for continuity, or null if no sample tells the two apart. */
    public @Nullable Double chiSquared() {
        long different = onlyA + onlyB;
        if (different == 0) {
            return null;
        }
        double excess = Math.max(Math.abs(onlyA - onlyB) - 1, 0);
        return excess * excess / different;
    }

    /** Upper tail of {@link #chiSquared} with one degree of freedom. */
    public @Nullable Double chiSquaredP() {
        Double statistic = chiSquared();
        return statistic == null ? null : upperTail(statistic);
    }

    /** erfc(sqrt(z)) with z = x / 2: below 3/2 by the series of erf, whose terms are positive; above by the continued fraction. */
    static double upperTail(double x) {
        double z = x / 2;
        if (z < 1.5) {
            double term = 2 * Math.sqrt(z / Math.PI) * Math.exp(-z);
            double sum = 0;
            for (int n = 1; sum + term != sum; n++) {
                sum += term;
                term *= 2 * z / (2 * n + 1);
            }
            return 1 - sum;
        }
        // Lentz's algorithm on the incomplete gamma function with parameter 1/2.
        double b = z + 0.5;
        double c = Double.POSITIVE_INFINITY;
        double d = 1 / b;
        double fraction = d;
        for (int n = 1; ; n++) {
            double a = -n * (n - 0.5);
            b += 2;
            d = 1 / (a * d + b);
            c = b + a / c;
            double factor = c * d;
            fraction *= factor;
            if (Math.abs(factor - 1) < 1e-15) {
                return Math.exp(-z) * Math.sqrt(z / Math.PI) * fraction;
            }
        }
    }
}
