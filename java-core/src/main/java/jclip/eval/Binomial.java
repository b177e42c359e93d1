package jclip.eval;

/**
 * Tails of the binomial distribution. Probabilities by Loader's saddle-point form ("Fast and accurate computation of binomial
 * probabilities", 2000), tails as sums of positive terms: nothing cancels, so that small tails keep their relative precision.
 */
final class Binomial {
    /** From here on five terms of Stirling's series are exact to double precision. */
    private static final int STIRLING_FROM = 16;

    private static final double NEGLIGIBLE = 1e-18;

    private Binomial() {}

    /** P(X &gt;= k) of n draws that each succeed with probability p. */
    static double upperTail(long k, long n, double p) {
        if (k <= 0) {
            return 1;
        }
        if (k > n) {
            return 0;
        }
        if (k <= n * p) {
            return 1 - lowerTail(k - 1, n, p);
        }
        double odds = p / (1 - p);
        double term = 1;
        double sum = 1;
        for (long i = k; i < n && term > NEGLIGIBLE * sum; i++) {
            term *= (double) (n - i) / (i + 1) * odds;
            sum += term;
        }
        return sum * probability(k, n, p);
    }

    /** P(X &lt;= k). */
    static double lowerTail(long k, long n, double p) {
        if (k < 0) {
            return 0;
        }
        if (k >= n) {
            return 1;
        }
        if (k >= n * p) {
            return 1 - upperTail(k + 1, n, p);
        }
        double odds = (1 - p) / p;
        double term = 1;
        double sum = 1;
        for (long i = k; i > 0 && term > NEGLIGIBLE * sum; i--) {
            term *= (double) i / (n - i + 1) * odds;
            sum += term;
        }
        return sum * probability(k, n, p);
    }

    /** P(X = k). */
    static double probability(long k, long n, double p) {
        if (p == 0 || p == 1) {
            return k == (p == 0 ? 0 : n) ? 1 : 0;
        }
        if (k == 0) {
            return Math.exp(n * Math.log1p(-p));
        }
        if (k == n) {
            return Math.exp(n * Math.log(p));
        }
        double exponent = stirlingError(n)
                - stirlingError(k)
                - stirlingError(n - k)
                - deviance(k, n * p)
                - deviance(n - k, n * (1 - p));
        return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * (n - k)));
    }

    /** ln(n!) less Stirling's approximation of it. */
    private static double stirlingError(long n) {
        if (n < STIRLING_FROM) {
            double factorial = 1;
            for (int i = 2; i <= n; i++) {
                factorial *= i;
            }
            return Math.log(factorial) - (Math.log(2 * Math.PI * n) / 2 + n * Math.log(n) - n);
        }
        double s = 1.0 / ((double) n * n);
        return (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s / 1188)))) / n;
    }

    /** x ln(x / mean) + mean - x, without cancellation where x is near the mean. */
    private static double deviance(double x, double mean) {
        if (Math.abs(x - mean) >= 0.1 * (x + mean)) {
            return x * Math.log(x / mean) + mean - x;
        }
        double v = (x - mean) / (x + mean);
        double sum = (x - mean) * v;
        double term = 2 * x * v;
        for (int j = 1; ; j++) {
            term *= v * v;
            double next = sum + term / (2 * j + 1);
            if (next == sum) {
                return sum;
            }
            sum = next;
        }
    }
}
