package jclip.eval;

/**
 * Logistic regression of two classes by one weight vector: the minimum over w and b of the sum of log(1 + exp(-s (w x + b))), s = 1 for class 1
 * and -1 for class 0, plus |w|^2 / (2C). It is the softmax of two rows with half that C: by symmetry these are -w/2 and w/2.
 */
public final class BinaryRegression {
    private final double[] coefficients;
    private final double intercept;
    private final double objective;

    private BinaryRegression(double[] coefficients, double intercept, double objective) {
        this.coefficients = coefficients;
        this.intercept = intercept;
        this.objective = objective;
    }

    /**
     * Fits.
     *
     * @param labels 0 and 1, both present
     * @throws IllegalArgumentException if they are not, or as {@link LogisticRegression#fit}
     */
    public static BinaryRegression fit(float[][] rows, int[] labels, LogisticRegression.Options options) {
        LogisticRegression two = LogisticRegression.fit(rows, labels, options.withC(options.c() / 2));
        int[] classes = two.classes();
        if (classes.length != 2 || classes[1] != 1) {
            throw new IllegalArgumentException("labels must be 0 and 1, both present");
        }
        double[][] w = two.coefficients();
        double[] difference = new double[w[0].length];
        for (int k = 0; k < difference.length; k++) {
            difference[k] = w[1][k] - w[0][k];
        }
        return new BinaryRegression(difference, two.intercepts()[1] - two.intercepts()[0], two.objective());
    }

    /** w: [features]. */
    public double[] coefficients() {
        return coefficients.clone();
    }

    /** b. */
    public double intercept() {
        return intercept;
    }

    /** The objective's value at the parameters found. */
    public double objective() {
        return objective;
    }

    /** The logit of class 1. */
    public double logit(float[] row) {
        double sum = intercept;
        for (int k = 0; k < coefficients.length; k++) {
            sum += coefficients[k] * row[k];
        }
        return sum;
    }
}
