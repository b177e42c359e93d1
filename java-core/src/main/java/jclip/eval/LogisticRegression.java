package jclip.eval;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Multinomial logistic regression with an L2 penalty: the minimum over W and b of the sum over samples of CE(softmax(W x + b), y), plus |W|^2 /
 * (2C). The bias is not penalised, features are not scaled; scikit-learn's {@code LogisticRegression(C)} minimises C times this. Classes
 * without a sample are left out and never predicted. Biases, fixed only up to a common shift, have mean 0. Computed in double precision;
 * the bits do not depend on the number of threads.
 */
public final class LogisticRegression {
    /**
     * How it is fitted.
     *
     * @param c inverse strength of the penalty, positive
     * @param bias whether there is one
     * @param tolerance share of the objective that may be left above its minimum, as estimated when stopping
     * @param maxIterations of L-BFGS
     * @param threads that compute, at least 1
     */
    public record Options(double c, boolean bias, double tolerance, int maxIterations, int threads) {
        /** With bias, to 1e-10 of the minimum or 5,000 iterations, on all processors. */
        public static Options of(double c) {
            return new Options(c, true, 1e-10, 5000, Runtime.getRuntime().availableProcessors());
        }

        public Options {
            if (!(c > 0) || !Double.isFinite(c) || !(tolerance >= 0) || maxIterations < 1 || threads < 1) {
                throw new IllegalArgumentException("logistic regression with C " + c + ", tolerance " + tolerance
                        + ", iterations " + maxIterations + ", threads " + threads
                        + "; C, iterations and threads must be positive, the tolerance not negative");
            }
        }

        /** The same with another C. */
        public Options withC(double other) {
            return new Options(other, bias, tolerance, maxIterations, threads);
        }
    }

    private final int[] classes;
    private final double[][] coefficients;
    private final double[] intercepts;
    private final double[][] transposed;
    private final double objective;
    private final int iterations;
    private final boolean converged;

    private LogisticRegression(int[] classes, double[][] transposed, double[] intercepts, Lbfgs.Result found) {
        this.classes = classes;
        this.transposed = transposed;
        this.coefficients = new double[classes.length][transposed.length];
        for (int i = 0; i < classes.length; i++) {
            for (int k = 0; k < transposed.length; k++) {
                coefficients[i][k] = transposed[k][i];
            }
        }
        this.intercepts = intercepts;
        this.objective = found.value();
        this.iterations = found.iterations();
        this.converged = found.converged();
    }

    /**
     * Fits.
     *
     * @param rows [samples][features], finite
     * @param labels of the samples, not negative
     * @throws IllegalArgumentException without samples, or if sizes disagree or a number is not finite
     */
    public static LogisticRegression fit(float[][] rows, int[] labels, Options options) {
        return fit(rows, labels, options, null);
    }

    /** As {@link #fit(float[][], int[], Options)}, starting from another fit of the same samples: the way is shorter. */
    static LogisticRegression fit(float[][] rows, int[] labels, Options options, @Nullable LogisticRegression start) {
        check(rows, labels);
        int[] classes = Arrays.stream(labels).sorted().distinct().toArray();
        int features = rows[0].length;
        if (classes.length == 1) {
            Lbfgs.Result nothing = new Lbfgs.Result(new double[0], 0, 0, true);
            return new LogisticRegression(classes, new double[features][1], new double[1], nothing);
        }
        int[] indices = Arrays.stream(labels)
                .map(label -> Arrays.binarySearch(classes, label))
                .toArray();
        // A free bias takes up any shift of the features; centred ones make the problem better conditioned.
        double[] means = options.bias ? means(rows) : new double[features];
        try (SoftmaxLoss loss =
                new SoftmaxLoss(rows, indices, means, classes.length, options.c, options.bias, options.threads)) {
            double[] from = start == null ? new double[loss.parameters()] : start.parameters(means);
            double[] scale = inverseDiagonal(rows, means, classes.length, options.c);
            Lbfgs.Result found = Lbfgs.minimise(loss, from, scale, options.tolerance, options.maxIterations);
            return of(classes, found, means, options.bias);
        }
    }

    private static void check(float[][] rows, int[] labels) {
        if (rows.length == 0 || rows.length != labels.length) {
            throw new IllegalArgumentException(rows.length + " samples and " + labels.length + " labels");
        }
        for (int i = 0; i < rows.length; i++) {
            if (rows[i].length != rows[0].length || labels[i] < 0) {
                throw new IllegalArgumentException("sample " + i + " has " + rows[i].length + " features and label "
                        + labels[i] + "; the first has " + rows[0].length + " features, labels count from 0");
            }
            for (float value : rows[i]) {
                if (!Float.isFinite(value)) {
                    throw new IllegalArgumentException("sample " + i + " has the feature " + value);
                }
            }
        }
    }

    private static double[] means(float[][] rows) {
        double[] means = new double[rows[0].length];
        for (float[] row : rows) {
            for (int k = 0; k < means.length; k++) {
                means[k] += (double) row[k] / rows.length;
            }
        }
        return means;
    }

    /** Of the Hessian where all classes are equally likely. */
    private static double[] inverseDiagonal(float[][] rows, double[] means, int classes, double c) {
        double[] squares = new double[means.length + 1];
        for (float[] row : rows) {
            for (int k = 0; k < means.length; k++) {
                squares[k] += (row[k] - means[k]) * (row[k] - means[k]);
            }
        }
        squares[means.length] = rows.length;
        double spread = (classes - 1.0) / ((double) classes * classes);
        double[] result = new double[squares.length * classes];
        for (int i = 0; i < result.length; i++) {
            int k = i / classes;
            result[i] = 1 / (squares[k] * spread + (k < means.length ? 1 / c : 0));
        }
        return result;
    }

    private static LogisticRegression of(int[] classes, Lbfgs.Result found, double[] means, boolean bias) {
        int count = classes.length;
        double[][] weights = new double[means.length][];
        double[] intercepts = new double[count];
        if (bias) {
            System.arraycopy(found.x(), means.length * count, intercepts, 0, count);
        }
        for (int k = 0; k < weights.length; k++) {
            weights[k] = Arrays.copyOfRange(found.x(), k * count, (k + 1) * count);
            for (int j = 0; j < count; j++) {
                intercepts[j] -= means[k] * weights[k][j];
            }
        }
        double mean = Arrays.stream(intercepts).average().orElse(0);
        for (int j = 0; bias && j < count; j++) {
            intercepts[j] -= mean;
        }
        return new LogisticRegression(classes, weights, intercepts, found);
    }

    /** As {@link SoftmaxLoss} wants them. */
    private double[] parameters(double[] means) {
        int count = classes.length;
        double[] result = new double[(means.length + 1) * count];
        System.arraycopy(intercepts, 0, result, means.length * count, count);
        for (int k = 0; k < means.length; k++) {
            for (int j = 0; j < count; j++) {
                result[k * count + j] = transposed[k][j];
                result[means.length * count + j] += means[k] * transposed[k][j];
            }
        }
        return result;
    }

    /** Softmax in place; returns the logarithm of the sum of exponentials. */
    static double softmax(double[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (double logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            logits[i] = Math.exp(logits[i] - max);
            sum += logits[i];
        }
        for (int i = 0; i < logits.length; i++) {
            logits[i] /= sum;
        }
        return max + Math.log(sum);
    }

    /** Classes that had samples, rising: what rows of coefficients, intercepts and logits stand for. */
    public int[] classes() {
        return classes.clone();
    }

    /** W: [classes with samples][features]. */
    public double[][] coefficients() {
        return Arrays.stream(coefficients).map(double[]::clone).toArray(double[][]::new);
    }

    /** b: [classes with samples]. */
    public double[] intercepts() {
        return intercepts.clone();
    }

    /** The objective's value at the parameters found; 0 for a single class, where there is nothing to fit. */
    public double objective() {
        return objective;
    }

    /** Iterations made. */
    public int iterations() {
        return iterations;
    }

    /** False if the iterations ran out. */
    public boolean converged() {
        return converged;
    }

    /** A sample's logits: [classes with samples]. */
    public double[] logits(float[] row) {
        if (row.length != transposed.length) {
            throw new IllegalArgumentException(
                    "a sample of " + row.length + " features; the fit has " + transposed.length);
        }
        double[] logits = intercepts.clone();
        for (int k = 0; k < row.length; k++) {
            for (int j = 0; j < logits.length; j++) {
                logits[j] += row[k] * transposed[k][j];
            }
        }
        return logits;
    }

    /** A sample's class; of equal logits the lower. */
    public int predict(float[] row) {
        return classes[Ranking.best(logits(row))];
    }
}
