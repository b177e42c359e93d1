package jclip.eval;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Accuracy under a shift of distribution beyond what accuracy without it predicts (Taori et al. 2020; the CLIP paper, section 3.3): a line,
 * fitted by least squares to the logits of a family of baseline models.
 */
public final class EffectiveRobustness {
    private final double slope;
    private final double intercept;
    private final @Nullable Double r2;
    private final double[] residuals;
    private final long samples;

    private EffectiveRobustness(double slope, double intercept, @Nullable Double r2, double[] residuals, long samples) {
        this.slope = slope;
        this.intercept = intercept;
        this.r2 = r2;
        this.residuals = residuals;
        this.samples = samples;
    }

    /**
     * Fits the line.
     *
     * @param accuracies of the baseline models without the shift
     * @param shifted accuracies of the same models under the shift
     * @param samples of the test set without the shift: for the logit, accuracies are held 0.5 / samples away from 0 and 1; 0: they are taken
     *     as they are
     * @param shiftedSamples the same under the shift
     * @return null if no line can be fitted: fewer than two models, or all equally accurate without the shift
     * @throws IllegalArgumentException if an accuracy is not between 0 and 1, or is 0 or 1 where samples are not given
     */
    public static @Nullable EffectiveRobustness fit(
            double[] accuracies, double[] shifted, long samples, long shiftedSamples) {
        if (accuracies.length != shifted.length) {
            throw new IllegalArgumentException(
                    accuracies.length + " and " + shifted.length + " accuracies are no pairs");
        }
        double[] x = Arrays.stream(accuracies).map(a -> logit(a, samples)).toArray();
        double[] y = Arrays.stream(shifted).map(a -> logit(a, shiftedSamples)).toArray();
        if (x.length < 2 || allEqual(x)) {
            return null;
        }
        double meanX = Arrays.stream(x).average().orElseThrow();
        double meanY = Arrays.stream(y).average().orElseThrow();
        double xx = 0;
        double xy = 0;
        double yy = 0;
        for (int i = 0; i < x.length; i++) {
            xx += (x[i] - meanX) * (x[i] - meanX);
            xy += (x[i] - meanX) * (y[i] - meanY);
            yy += (y[i] - meanY) * (y[i] - meanY);
        }
        double slope = xy / xx;
        double intercept = meanY - slope * meanX;
        double[] residuals = new double[x.length];
        double unexplained = 0;
        for (int i = 0; i < x.length; i++) {
            residuals[i] = y[i] - (slope * x[i] + intercept);
            unexplained += residuals[i] * residuals[i];
        }
        Double r2 = allEqual(y) ? null : 1 - unexplained / yy;
        return new EffectiveRobustness(slope, intercept, r2, residuals, samples);
    }

    private static boolean allEqual(double[] values) {
        return Arrays.stream(values).allMatch(value -> value == values[0]);
    }

    private static double logit(double accuracy, long samples) {
        if (!(accuracy >= 0 && accuracy <= 1) || samples < 0) {
            throw new IllegalArgumentException("accuracy " + accuracy + " of " + samples + " samples");
        }
        double margin = samples == 0 ? 0 : 0.5 / samples;
        double held = Math.max(margin, Math.min(1 - margin, accuracy));
        if (held <= 0 || held >= 1) {
            throw new IllegalArgumentException(
                    "accuracy " + accuracy + " has no logit; give the number of samples, or leave the model out");
        }
        return Math.log(held / (1 - held));
    }

    /** Rise of the shifted logit by unit of the other. */
    public double slope() {
        return slope;
    }

    /** Shifted logit at accuracy one half. */
    public double intercept() {
        return intercept;
    }

    /** Share of the variance explained; null if all shifted accuracies are equal. */
    public @Nullable Double r2() {
        return r2;
    }

    /** Of the baseline models, in units of logits. */
    public double[] residuals() {
        return residuals.clone();
    }

    /** Accuracy under the shift that the line predicts. */
    public double predicted(double accuracy) {
        return 1 / (1 + Math.exp(-(slope * logit(accuracy, samples) + intercept)));
    }

    /** Accuracy under the shift less what is predicted. */
    public double of(double accuracy, double shifted) {
        return shifted - predicted(accuracy);
    }
}
