package jclip.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Sum of cross-entropies of a linear softmax classifier and |W|^2 / (2C). Parameters: W as [features][classes], then the biases. Rows are cut
 * into slices by their number alone, and partial sums added in the slices' order: the bits do not depend on the threads.
 */
final class SoftmaxLoss implements Lbfgs.Objective, AutoCloseable {
    private static final int MOST_SLICES = 16;
    private static final int LEAST_SLICE = 256;
    /** Rows at a time: their doubles and logits stay in the second cache. */
    private static final int CHUNK = 32;

    private final float[][] rows;
    private final int[] labels;
    private final double[] means;
    private final int features;
    private final int classes;
    private final double c;
    private final boolean bias;
    private final List<Slice> slices = new ArrayList<>();
    private final ExecutorService threads;

    /**
     * A loss.
     *
     * @param rows [samples][features], at least one
     * @param labels from 0
     * @param means taken from the features; without bias zeros
     */
    SoftmaxLoss(float[][] rows, int[] labels, double[] means, int classes, double c, boolean bias, int threads) {
        this.rows = rows;
        this.labels = labels;
        this.means = means;
        this.features = means.length;
        this.classes = classes;
        this.c = c;
        this.bias = bias;
        int count = Math.clamp(rows.length / LEAST_SLICE, 1, MOST_SLICES);
        for (int i = 0; i < count; i++) {
            slices.add(new Slice((int) ((long) rows.length * i / count), (int) ((long) rows.length * (i + 1) / count)));
        }
        this.threads = Executors.newFixedThreadPool(Math.min(threads, count));
    }

    int parameters() {
        return (features + 1) * classes;
    }

    @Override
    public double evaluate(double[] x, double[] gradient) {
        double[][] weights = rowsOf(x);
        List<Future<?>> running = new ArrayList<>();
        for (Slice slice : slices) {
            running.add(threads.submit(() -> slice.run(weights)));
        }
        double loss = 0;
        double square = 0;
        Arrays.fill(gradient, 0);
        for (int i = 0; i < slices.size(); i++) {
            await(running.get(i));
            loss += slices.get(i).loss;
            slices.get(i).addTo(gradient);
        }
        for (int i = 0; i < features * classes; i++) {
            square += x[i] * x[i];
            gradient[i] += x[i] / c;
        }
        return loss + square / (2 * c);
    }

    private static void await(Future<?> running) {
        try {
            running.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while fitting", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private double[][] rowsOf(double[] x) {
        double[][] result = new double[features + 1][];
        for (int i = 0; i <= features; i++) {
            result[i] = Arrays.copyOfRange(x, i * classes, (i + 1) * classes);
        }
        return result;
    }

    /** Some samples in one order, with what they add. */
    private final class Slice {
        private final int from;
        private final int to;
        private final double[] x = new double[CHUNK * features];
        private final double[][] logits = new double[CHUNK][classes];
        private final double[][] gradient = new double[features + 1][classes];
        private double loss;

        Slice(int from, int to) {
            this.from = from;
            this.to = to;
        }

        void run(double[][] weights) {
            loss = 0;
            for (double[] row : gradient) {
                Arrays.fill(row, 0);
            }
            for (int first = from; first < to; first += CHUNK) {
                chunk(first, Math.min(CHUNK, to - first), weights);
            }
        }

        private void chunk(int first, int count, double[][] weights) {
            for (int i = 0; i < count; i++) {
                float[] row = rows[first + i];
                for (int k = 0; k < features; k++) {
                    x[i * features + k] = row[k] - means[k];
                }
                System.arraycopy(weights[features], 0, logits[i], 0, classes);
            }
            Products.add(x, features, 1, count, features, weights, logits);
            for (int i = 0; i < count; i++) {
                double[] row = logits[i];
                int label = labels[first + i];
                double logit = row[label];
                loss += LogisticRegression.softmax(row) - logit;
                row[label] -= 1;
                if (bias) {
                    for (int j = 0; j < classes; j++) {
                        gradient[features][j] += row[j];
                    }
                }
            }
            Products.add(x, 1, features, features, count, logits, gradient);
        }

        void addTo(double[] sum) {
            for (int i = 0; i <= features; i++) {
                for (int j = 0; j < classes; j++) {
                    sum[i * classes + j] += gradient[i][j];
                }
            }
        }
    }

    @Override
    public void close() {
        threads.shutdown();
    }
}
