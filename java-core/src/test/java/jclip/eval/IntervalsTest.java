package jclip.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Tails, exact intervals and resampled ones, against closed forms and sums in order. */
class IntervalsTest {
    @Test
    void tailsAreSumsOfProbabilities() {
        for (int n : new int[] {1, 2, 7, 30, 200}) {
            for (double p : new double[] {1e-9, 0.01, 0.3, 0.5, 0.97}) {
                double[] pascal = pascal(n, p);
                double sum = 0;
                for (int k = 0; k <= n; k++) {
                    assertThat(Binomial.probability(k, n, p)).isCloseTo(pascal[k], within(1e-12 * pascal[k] + 1e-300));
                    sum += pascal[k];
                    assertThat(Binomial.lowerTail(k, n, p)).isCloseTo(sum, within(1e-13));
                    assertThat(Binomial.upperTail(k + 1, n, p)).isCloseTo(1 - sum, within(1e-13));
                }
            }
        }
    }

    /** Probabilities of all counts by adding one draw after the other. */
    private static double[] pascal(int n, double p) {
        double[] row = {1};
        for (int i = 0; i < n; i++) {
            double[] next = new double[row.length + 1];
            for (int k = 0; k < row.length; k++) {
                next[k] += row[k] * (1 - p);
                next[k + 1] += row[k] * p;
            }
            row = next;
        }
        return row;
    }

    @Test
    void smallTailsKeepTheirPrecision() {
        assertThat(Binomial.upperTail(50, 50, 0.01)).isCloseTo(1e-100, within(1e-112));
        assertThat(Binomial.lowerTail(1, 1000, 0.5)).isCloseTo(1001 * Math.pow(0.5, 1000), within(1e-310));
    }

    @Test
    void exactIntervalsHaveClosedFormsAtTheEnds() {
        for (long n : new long[] {1, 3, 100, 50_000, 1_000_000_000L}) {
            Interval none = new Proportion(0, n).interval();
            Interval all = new Proportion(n, n).interval();
            double edge = -Math.expm1(Math.log(0.025) / n);
            assertThat(none.low()).isZero();
            assertThat(none.high()).isCloseTo(edge, within(1e-12 * edge));
            assertThat(all.high()).isOne();
            assertThat(all.low()).isCloseTo(1 - edge, within(1e-14));
        }
        assertThat(new Proportion(0, 0).interval()).isEqualTo(new Interval(0, 1));
        assertThat(new Proportion(0, 0).value()).isNull();
    }

    @Test
    void exactIntervalsAreWhereTheTailsSay() {
        for (long[] counts : new long[][] {{1, 3}, {5, 10}, {37, 400}, {49_999, 50_000}, {1, 1_000_000}}) {
            for (double alpha : new double[] {0.05, 0.3, 1e-6}) {
                Interval interval = new Proportion(counts[0], counts[1]).interval(alpha);
                double low = interval.low();
                double high = interval.high();
                assertThat(Binomial.upperTail(counts[0], counts[1], low)).isGreaterThanOrEqualTo(alpha / 2);
                assertThat(Binomial.upperTail(counts[0], counts[1], Math.nextDown(low)))
                        .isLessThan(alpha / 2);
                assertThat(Binomial.lowerTail(counts[0], counts[1], high)).isLessThanOrEqualTo(alpha / 2);
                assertThat(Binomial.lowerTail(counts[0], counts[1], Math.nextDown(high)))
                        .isGreaterThan(alpha / 2);
            }
        }
        assertThatThrownBy(() -> new Proportion(1, 2).interval(0)).hasMessageContaining("alpha 0");
        assertThatThrownBy(() -> new Proportion(3, 2)).hasMessageContaining("3 successes of 2");
    }

    @Test
    void theChiSquaredTailIsSmoothAndKnown() {
        assertThat(PairedComparison.upperTail(0)).isOne();
        assertThat(PairedComparison.upperTail(3.841458820694124)).isCloseTo(0.05, within(1e-14));
        assertThat(PairedComparison.upperTail(10.827566170662733)).isCloseTo(0.001, within(1e-16));
        // erfc(5) to 16 digits, from tables
        assertThat(PairedComparison.upperTail(50)).isCloseTo(1.5374597944280349e-12, within(1e-25));
        double below = PairedComparison.upperTail(Math.nextDown(3.0));
        assertThat(PairedComparison.upperTail(3.0)).isCloseTo(below, within(1e-14));
    }

    @Test
    void pairsAreCompared() {
        boolean[] a = {true, true, true, true, true, true, false, true};
        boolean[] b = {false, false, false, false, false, false, false, true};
        PairedComparison found = PairedComparison.of(a, b);
        assertThat(found).isEqualTo(new PairedComparison(1, 6, 0, 1));
        assertThat(found.exactP()).isCloseTo(2 / 64.0, within(1e-15));
        assertThat(found.chiSquared()).isEqualTo(25 / 6.0);
        PairedComparison same = PairedComparison.of(a, a);
        assertThat(same.exactP()).isOne();
        assertThat(same.chiSquared()).isNull();
        assertThat(same.chiSquaredP()).isNull();
    }

    @Test
    void resampledIntervalsComeNearTheNormalOnes() {
        int n = 400;
        double[] values = new double[n];
        for (int i = 0; i < n; i++) {
            values[i] = i % 4 == 0 ? 1 : 0;
        }
        Interval found = new Bootstrap(1).interval(n, drawn -> Arrays.stream(drawn)
                .mapToDouble(i -> values[i])
                .average()
                .orElseThrow());
        double width = 1.96 * Math.sqrt(0.25 * 0.75 / n);
        assertThat(found.low()).isCloseTo(0.25 - width, within(0.006));
        assertThat(found.high()).isCloseTo(0.25 + width, within(0.006));
        assertThat(new Bootstrap(1).interval(n, drawn -> values[drawn[0]]))
                .isEqualTo(new Bootstrap(1).interval(n, drawn -> values[drawn[0]]));
    }

    @Test
    void means() {
        assertThat(Mean.ofDefined(Arrays.asList(1.0, null, 4.0))).isEqualTo(2.5);
        assertThat(Mean.ofDefined(List.of())).isNull();
    }
}
