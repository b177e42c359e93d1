package jclip.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The optimiser on functions with known minima, the loss's gradient, fits with closed forms, and the probe's choices. */
class LogisticRegressionTest {
    private static double[] ones(int n) {
        double[] all = new double[n];
        Arrays.fill(all, 1);
        return all;
    }

    @Test
    void lbfgsMinimisesAQuadraticOfBadCondition() {
        Lbfgs.Objective objective = (x, gradient) -> {
            double value = 1;
            for (int i = 0; i < x.length; i++) {
                double weight = Math.pow(10, i % 7);
                value += weight * (x[i] - i) * (x[i] - i) / 2;
                gradient[i] = weight * (x[i] - i);
            }
            return value;
        };
        Lbfgs.Result found = Lbfgs.minimise(objective, new double[40], ones(40), 1e-14, 2000);
        assertThat(found.converged()).isTrue();
        assertThat(found.value()).isCloseTo(1, within(1e-12));
        double[] diagonal = new double[40];
        Arrays.setAll(diagonal, i -> Math.pow(10, -(i % 7)));
        Lbfgs.Result scaled = Lbfgs.minimise(objective, new double[40], diagonal, 1e-14, 2000);
        assertThat(scaled.iterations()).isLessThan(10).isLessThan(found.iterations() / 3);
    }

    @Test
    void lbfgsFindsItsWayThroughRosenbrocksValley() {
        Lbfgs.Objective objective = (x, gradient) -> {
            double a = x[1] - x[0] * x[0];
            gradient[0] = -400 * a * x[0] - 2 * (1 - x[0]);
            gradient[1] = 200 * a;
            return 100 * a * a + (1 - x[0]) * (1 - x[0]);
        };
        Lbfgs.Result found = Lbfgs.minimise(objective, new double[] {-1.2, 1}, ones(2), 1e-10, 200);
        assertThat(found.x()).containsExactly(new double[] {1, 1}, within(1e-6));
    }

    private record Set(float[][] rows, int[] labels) {
        static Set random(int n, int d, int classes, double signal, long seed) {
            Random random = new Random(seed);
            float[][] rows = new float[n][d];
            int[] labels = new int[n];
            for (int i = 0; i < n; i++) {
                labels[i] = i % classes;
                for (int k = 0; k < d; k++) {
                    double centre = k % classes == labels[i] ? signal : 0;
                    rows[i][k] = (float) (3 + (centre + random.nextGaussian()) * (1 + k % 5));
                }
            }
            return new Set(rows, labels);
        }
    }

    @Test
    void theGradientIsThatOfCentralDifferences() {
        for (boolean bias : new boolean[] {true, false}) {
            Set set = Set.random(37, 5, 3, 1, 1);
            double[] means = {3, 3, 2, 0, 1};
            try (SoftmaxLoss loss = new SoftmaxLoss(set.rows, set.labels, means, 3, 0.7, bias, 2)) {
                Random random = new Random(2);
                double[] x = random.doubles(loss.parameters(), -0.3, 0.3).toArray();
                double[] gradient = new double[x.length];
                double[] unused = new double[x.length];
                loss.evaluate(x, gradient);
                for (int i = 0; i < (bias ? x.length : x.length - 3); i++) {
                    double step = 1e-5;
                    double[] up = x.clone();
                    double[] down = x.clone();
                    up[i] += step;
                    down[i] -= step;
                    double slope = (loss.evaluate(up, unused) - loss.evaluate(down, unused)) / (2 * step);
                    assertThat(gradient[i]).isCloseTo(slope, within(1e-6));
                }
                for (int i = x.length - 3; !bias && i < x.length; i++) {
                    assertThat(gradient[i]).isZero();
                }
            }
        }
    }

    /** At the minimum the gradient of the penalty balances that of the data, summed here anew. */
    @Test
    void aFitIsStationaryAndItsObjectiveIsTheFormulas() {
        Set set = Set.random(400, 12, 4, 1, 3);
        for (double c : new double[] {1e-3, 1, 50}) {
            LogisticRegression.Options options = new LogisticRegression.Options(c, true, 1e-14, 5000, 2);
            LogisticRegression fit = LogisticRegression.fit(set.rows, set.labels, options);
            double[][] w = fit.coefficients();
            double objective = 0;
            double[][] gradient = new double[4][13];
            for (int j = 0; j < 4; j++) {
                for (int k = 0; k < 12; k++) {
                    objective += w[j][k] * w[j][k] / (2 * c);
                    gradient[j][k] = w[j][k] / c;
                }
            }
            for (int i = 0; i < set.rows.length; i++) {
                double[] p = ZeroShot.probabilities(fit.logits(set.rows[i]));
                objective -= Math.log(p[set.labels[i]]);
                for (int j = 0; j < 4; j++) {
                    double error = p[j] - (j == set.labels[i] ? 1 : 0);
                    for (int k = 0; k < 12; k++) {
                        gradient[j][k] += error * set.rows[i][k];
                    }
                    gradient[j][12] += error;
                }
            }
            assertThat(fit.objective()).isCloseTo(objective, within(1e-10 * objective));
            assertThat(Arrays.stream(gradient)
                            .flatMapToDouble(Arrays::stream)
                            .map(Math::abs)
                            .max()
                            .orElseThrow())
                    .isLessThan(2e-3);
            assertThat(Arrays.stream(fit.intercepts()).sum()).isCloseTo(0, within(1e-10));
            assertThat(fit.converged()).isTrue();
        }
    }

    @Test
    void withoutInformationTheBiasesAreTheLogarithmsOfTheFrequencies() {
        float[][] rows = new float[10][3];
        int[] labels = {5, 5, 5, 5, 5, 5, 7, 7, 7, 9};
        LogisticRegression fit = LogisticRegression.fit(rows, labels, LogisticRegression.Options.of(1));
        assertThat(fit.classes()).containsExactly(5, 7, 9);
        assertThat(ZeroShot.probabilities(fit.logits(rows[0])))
                .containsExactly(new double[] {0.6, 0.3, 0.1}, within(1e-5));
        assertThat(fit.predict(rows[0])).isEqualTo(5);
        LogisticRegression one = LogisticRegression.fit(
                rows, new int[] {2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, LogisticRegression.Options.of(1));
        assertThat(one.objective()).isZero();
        assertThat(one.predict(rows[0])).isEqualTo(2);
    }

    @Test
    void theBitsDoNotDependOnTheThreads() {
        Set set = Set.random(1500, 9, 7, 0.5, 4);
        LogisticRegression one =
                LogisticRegression.fit(set.rows, set.labels, new LogisticRegression.Options(0.3, true, 1e-10, 1000, 1));
        for (int threads : new int[] {2, 3, 7}) {
            LogisticRegression more = LogisticRegression.fit(
                    set.rows, set.labels, new LogisticRegression.Options(0.3, true, 1e-10, 1000, threads));
            assertThat(more.coefficients()).isDeepEqualTo(one.coefficients());
            assertThat(more.intercepts()).isEqualTo(one.intercepts());
            assertThat(more.objective()).isEqualTo(one.objective());
        }
    }

    @Test
    void oneWeightVectorSolvesItsOwnProblem() {
        Set set = Set.random(60, 4, 2, 1, 5);
        BinaryRegression fit =
                BinaryRegression.fit(set.rows, set.labels, new LogisticRegression.Options(0.8, true, 1e-14, 1000, 1));
        double objective = 0;
        double[] gradient = new double[5];
        for (int k = 0; k < 4; k++) {
            objective += fit.coefficients()[k] * fit.coefficients()[k] / 1.6;
            gradient[k] = fit.coefficients()[k] / 0.8;
        }
        for (int i = 0; i < 60; i++) {
            double sign = set.labels[i] == 1 ? 1 : -1;
            double z = fit.logit(set.rows[i]);
            objective += Math.log1p(Math.exp(-sign * z));
            double error = -sign / (1 + Math.exp(sign * z));
            for (int k = 0; k < 4; k++) {
                gradient[k] += error * set.rows[i][k];
            }
            gradient[4] += error;
        }
        assertThat(fit.objective()).isCloseTo(objective, within(1e-11 * objective));
        assertThat(gradient).containsExactly(new double[5], within(1e-4));
    }

    @Test
    void badInputIsNamed() {
        LogisticRegression.Options options = LogisticRegression.Options.of(1);
        assertThatThrownBy(() -> LogisticRegression.fit(new float[0][], new int[0], options))
                .hasMessageContaining("0 samples");
        assertThatThrownBy(() -> LogisticRegression.fit(new float[][] {{1}, {1, 2}}, new int[2], options))
                .hasMessageContaining("sample 1");
        assertThatThrownBy(() -> LogisticRegression.fit(new float[][] {{Float.NaN}}, new int[1], options))
                .hasMessageContaining("NaN");
        assertThatThrownBy(() -> LogisticRegression.Options.of(0)).hasMessageContaining("C 0");
    }

    @Test
    void aProbeLearnsWhatIsThereAndNothingFromNoise() {
        Set training = Set.random(300, 10, 5, 2, 6);
        Set test = Set.random(300, 10, 5, 2, 7);
        LogisticRegression.Options options = new LogisticRegression.Options(1, true, 1e-8, 1000, 2);
        LinearProbe.Samples samples = new LinearProbe.Samples(training.rows, training.labels);
        LinearProbe.Samples unseen = new LinearProbe.Samples(test.rows, test.labels);
        LinearProbe.Fitted probe = LinearProbe.fit(samples, 1, options);
        Proportion accuracy = probe.classify(unseen, 5).accuracy();
        assertThat(accuracy.value()).isGreaterThan(0.85);
        assertThat(Math.log10(probe.c()) * 8).isCloseTo(Math.rint(Math.log10(probe.c()) * 8), within(1e-9));
        LinearProbe.Fitted again = LinearProbe.fit(samples, 1, options);
        assertThat(again.c()).isEqualTo(probe.c());
        assertThat(again.fit().objective()).isEqualTo(probe.fit().objective());
        LinearProbe.Fitted few = LinearProbe.fewShot(samples, 2, 2, options);
        assertThat(few.classify(unseen, 5).accuracy().value()).isBetween(0.3, accuracy.value());

        Set noise = Set.random(300, 10, 5, 0, 8);
        LinearProbe.Fitted nothing = LinearProbe.fit(new LinearProbe.Samples(noise.rows, noise.labels), 1, options);
        assertThat(nothing.classify(unseen, 5).accuracy().interval().low()).isLessThan(0.3);
        assertThat(nothing.c()).isLessThan(probe.c() * 100);
    }

    @Test
    void aProbeSaysWhenNothingIsLeftToChooseWith() {
        LinearProbe.Samples samples = new LinearProbe.Samples(new float[2][3], new int[] {0, 1});
        LogisticRegression.Options options = LogisticRegression.Options.of(1);
        assertThatThrownBy(() -> LinearProbe.fit(samples, 0, options)).hasMessageContaining("no class has");
        assertThatThrownBy(() -> LinearProbe.fewShot(samples, 1, 0, options)).hasMessageContaining("no class has");
    }
}
