package jclip.bench;

import java.util.Arrays;

/**
 * A ratio measured several times: median and quartiles.
 *
 * @param low first quartile
 * @param high third quartile
 */
record Ratio(double median, double low, double high) {
    static Ratio of(double[] samples) {
        double[] sorted = samples.clone();
        Arrays.sort(sorted);
        int n = sorted.length;
        return new Ratio(sorted[n / 2], sorted[n / 4], sorted[n - 1 - n / 4]);
    }

    /** Whether it lies more than a fifth below the stored value. */
    boolean fellFrom(double stored) {
        return median < 0.8 * stored;
    }
}
