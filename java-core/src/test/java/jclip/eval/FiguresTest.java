package jclip.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Figures of rankings on small cases whose answers can be counted by hand or by brute force. */
class FiguresTest {
    private static final Bootstrap BOOTSTRAP = new Bootstrap(5, 500);

    @Test
    void equalScoresRankByLowerIndex() {
        double[] scores = {1, 3, 3, 2, 3};
        assertThat(IntStream.range(0, 5).map(i -> Ranking.rank(scores, i))).containsExactly(4, 0, 1, 3, 2);
        assertThat(Ranking.best(scores)).isOne();
    }

    @Test
    void classesWithoutSamplesAreLeftOut() {
        Classification found = Classification.of(new int[] {0, 0, 2, 2, 2}, new int[] {0, 2, 2, 2, 1}, 4);
        assertThat(found.accuracy()).isEqualTo(new Proportion(3, 5));
        assertThat(found.perClass().stream().map(Proportion::value)).containsExactly(0.5, null, 2 / 3.0, null);
        assertThat(found.meanPerClass()).isCloseTo(7 / 12.0, within(1e-15));
        assertThat(found.confusion())
                .isDeepEqualTo(new int[][] {{1, 0, 1, 0}, {0, 0, 0, 0}, {0, 1, 2, 0}, {0, 0, 0, 0}});
        Interval interval = found.meanPerClass(BOOTSTRAP);
        assertThat(interval).isEqualTo(new Interval(0.5, 2 / 3.0));
        Classification none = Classification.of(new int[0], new int[0], 3);
        assertThat(none.meanPerClass()).isNull();
        assertThat(none.meanPerClass(BOOTSTRAP)).isNull();
        assertThat(none.accuracy().value()).isNull();
        assertThatThrownBy(() -> found.topK(1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> Classification.of(new int[] {3}, new int[] {0}, 3))
                .hasMessageContaining("label 3 of sample 0");
    }

    @Test
    void topKCountsPlaces() {
        double[][] scores = {{1, 2, 3}, {5, 5, 5}, {0, 9, 1}};
        Classification found = Classification.ofScores(i -> scores[i], new int[] {1, 1, 0}, 3);
        assertThat(found.predictions()).containsExactly(2, 0, 1);
        assertThat(found.accuracy().successes()).isZero();
        assertThat(found.topK(2).successes()).isEqualTo(2);
        assertThat(found.topK(5).successes()).isEqualTo(3);
        assertThatThrownBy(() -> Classification.ofScores(i -> new double[] {0, Double.NaN}, new int[1], 2))
                .hasMessageContaining("NaN");
    }

    @Test
    void classEmbeddingsAreMeansOfUnitVectors() {
        float[][] texts = {{3, 0}, {0, 0.5f}, {-2, 0}};
        ZeroShot classifier = ZeroShot.of(texts, new int[] {2, 1}, Math.log(10));
        double half = Math.sqrt(0.5);
        assertThat(classifier.classEmbeddings()[0]).containsExactly(new double[] {half, half}, within(1e-15));
        assertThat(classifier.classEmbeddings()[1]).containsExactly(-1, 0);
        assertThat(classifier.logits(new float[] {0, 7})).containsExactly(new double[] {10 * half, 0}, within(1e-14));
        assertThat(ZeroShot.probabilities(new double[] {1000, 1000 + Math.log(3)}))
                .containsExactly(new double[] {0.25, 0.75}, within(1e-12));
        assertThatThrownBy(() -> ZeroShot.of(texts, new int[] {2, 2}, 0)).hasMessageContaining("class 1");
        assertThatThrownBy(() -> ZeroShot.of(texts, new int[] {2}, 0)).hasMessageContaining("3 texts");
    }

    @Test
    void retrievalAgreesWithSorting() {
        Random random = new Random(7);
        int images = 9;
        int[] owners = {0, 0, 1, 3, 3, 3, 4, 5, 6, 6, 8, 8, 8};
        double[][] scores = new double[images][owners.length];
        for (double[] row : scores) {
            Arrays.setAll(row, t -> random.nextInt(4));
        }
        Retrieval found = Retrieval.ofScores(scores, owners);
        for (int i = 0; i < images; i++) {
            int image = i;
            int[] order = sorted(owners.length, t -> scores[image][t]);
            int place = IntStream.range(0, order.length)
                    .filter(p -> owners[order[p]] == image)
                    .findFirst()
                    .orElse(-1);
            assertThat(found.imageBestRank()[i]).isEqualTo(place);
        }
        for (int t = 0; t < owners.length; t++) {
            int text = t;
            int[] order = sorted(images, i -> scores[i][text]);
            int place = IntStream.range(0, images)
                    .filter(p -> order[p] == owners[text])
                    .findFirst()
                    .orElseThrow();
            assertThat(found.textRank()[t]).isEqualTo(place);
        }
        assertThat(found.imageToText(1).trials()).isEqualTo(7);
        assertThat(found.imageToText(owners.length).successes()).isEqualTo(7);
        assertThat(found.textToImage(images).successes()).isEqualTo(13);
    }

    private static int[] sorted(int count, java.util.function.IntToDoubleFunction score) {
        return IntStream.range(0, count)
                .boxed()
                .sorted((a, b) -> Double.compare(score.applyAsDouble(b), score.applyAsDouble(a)))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    @Test
    void embeddingsAndTheirCosinesRankAlike() {
        Random random = new Random(8);
        float[][] images = gaussian(random, 20, 6);
        float[][] texts = gaussian(random, 50, 6);
        int[] owners = random.ints(50, 0, 20).toArray();
        double[][] scores = new double[20][50];
        for (int i = 0; i < 20; i++) {
            for (int t = 0; t < 50; t++) {
                scores[i][t] = Vectors.dot(Vectors.unit(images[i]), Vectors.unit(texts[t]));
            }
        }
        Retrieval cosines = Retrieval.ofScores(scores, owners);
        Retrieval found = Retrieval.ofEmbeddings(images, texts, owners);
        assertThat(found.imageBestRank()).isEqualTo(cosines.imageBestRank());
        assertThat(found.textRank()).isEqualTo(cosines.textRank());
    }

    private static float[][] gaussian(Random random, int rows, int columns) {
        float[][] all = new float[rows][columns];
        for (float[] row : all) {
            for (int i = 0; i < columns; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        return all;
    }

    @Test
    void retrievalByChanceIsWhatConstantOwnersByLotGive() {
        Random random = new Random(9);
        int[] owners = {0, 0, 0, 1, 2, 2};
        double toText = 0;
        double toImage = 0;
        int rounds = 20_000;
        for (int round = 0; round < rounds; round++) {
            double[][] scores = new double[4][6];
            for (double[] row : scores) {
                Arrays.setAll(row, t -> random.nextDouble());
            }
            Retrieval found = Retrieval.ofScores(scores, owners);
            toText += found.imageToText(2).successes() / 3.0;
            toImage += found.textToImage(2).successes() / 6.0;
        }
        Retrieval any = Retrieval.ofScores(new double[4][6], owners);
        assertThat(toText / rounds).isCloseTo(any.imageToTextByChance(2), within(0.01));
        assertThat(toImage / rounds).isCloseTo(any.textToImageByChance(2), within(0.01));
        assertThat(any.textToImageByChance(10)).isOne();
        assertThat(any.imageToTextByChance(6)).isOne();
    }

    @Test
    void retrievalIntervalsHoldTheFigure() {
        int[] owners = IntStream.range(0, 500).map(t -> t / 5).toArray();
        double[][] scores = new double[100][500];
        for (int t = 0; t < 500; t++) {
            scores[owners[t]][t] = t % 10 < 3 ? 1 : -1;
        }
        Retrieval found = Retrieval.ofScores(scores, owners);
        assertThat(found.textToImage(1).value()).isEqualTo(0.3);
        Interval interval = found.textToImage(1, BOOTSTRAP);
        assertThat(interval.low()).isBetween(0.18, 0.3);
        assertThat(interval.high()).isBetween(0.3, 0.43);
        // Captions of a picture hang together: drawing captions alone would give a narrower interval.
        Interval captions = found.textToImage(1).interval();
        assertThat(interval.high() - interval.low()).isGreaterThan(1.3 * (captions.high() - captions.low()));
        assertThat(found.imageToText(1, BOOTSTRAP)).isNotNull();
    }

    @Test
    void averagePrecisionByHand() {
        AveragePrecision found = AveragePrecision.of(new double[] {9, 8, 7, 6, 5}, new int[] {1, 0, 1, -1, 0});
        assertThat(found.full()).isCloseTo(0.5 * 1 + 0.5 * 2 / 3, within(1e-15));
        assertThat(found.elevenPoint()).isCloseTo((6 * 1 + 5 * 2 / 3.0) / 11, within(1e-15));
        assertThat(found.rocAuc()).isEqualTo(0.75);
        AveragePrecision tied = AveragePrecision.of(new double[] {1, 1, 1, 1}, new int[] {1, 0, 0, 0});
        assertThat(tied).isEqualTo(new AveragePrecision(1, 0.25, 0.25, 0.5));
        assertThat(AveragePrecision.of(new double[] {1}, new int[] {0}))
                .isEqualTo(new AveragePrecision(0, null, null, null));
        assertThat(AveragePrecision.of(new double[] {1}, new int[] {1}).rocAuc())
                .isNull();
        assertThatThrownBy(() -> AveragePrecision.of(new double[] {Double.NaN}, new int[] {1}))
                .hasMessageContaining("sample 0");
    }

    @Test
    void robustnessIsTheDistanceFromTheLine() {
        EffectiveRobustness line = EffectiveRobustness.fit(new double[] {0.5, 0.75}, new double[] {0.25, 0.5}, 0, 0);
        assertThat(line).isNotNull();
        assertThat(line.slope()).isCloseTo(1, within(1e-15));
        assertThat(line.intercept()).isCloseTo(-Math.log(3), within(1e-15));
        assertThat(line.r2()).isEqualTo(1);
        assertThat(line.of(0.9, 0.8)).isCloseTo(0.05, within(1e-15));
        assertThat(EffectiveRobustness.fit(new double[] {0.5, 0.5}, new double[] {0.1, 0.2}, 0, 0))
                .isNull();
        assertThatThrownBy(() -> EffectiveRobustness.fit(new double[] {0.5, 1}, new double[] {0.1, 0.2}, 0, 0))
                .hasMessageContaining("number of samples");
        EffectiveRobustness held = EffectiveRobustness.fit(new double[] {0.5, 1}, new double[] {0.5, 0.5}, 10, 10);
        assertThat(held).isNotNull();
        assertThat(held.r2()).isNull();
        assertThat(held.slope()).isZero();
    }

    @Test
    void breakEvenIsLogLinear() {
        double[] shots = {1, 4, 16};
        assertThat(BreakEven.of(shots, new double[] {0.1, 0.3, 0.5}, 0.4).shots())
                .isCloseTo(8, within(1e-12));
        assertThat(BreakEven.of(shots, new double[] {0.1, 0.3, 0.5}, 0.6))
                .isEqualTo(new BreakEven(BreakEven.Status.NOT_REACHED, null));
        assertThat(BreakEven.of(shots, new double[] {0.5, 0.3, 0.5}, 0.4))
                .isEqualTo(new BreakEven(BreakEven.Status.AT_OR_BELOW_FIRST, 1.0));
        assertThatThrownBy(() -> BreakEven.of(new double[] {2, 1}, new double[2], 1))
                .hasMessageContaining("rise");
    }

    @Test
    void disparityNamesTheFirstOfEqualGroups() {
        Disparity found = Disparity.of(List.of(
                new Disparity.Group("none", 0, 0, 0),
                new Disparity.Group("a", 4, 1, 0),
                new Disparity.Group("b", 4, 3, 0),
                new Disparity.Group("c", 8, 6, 2)));
        assertThat(found.accuracy().maxGroup()).isEqualTo("b");
        assertThat(found.accuracy().minGroup()).isEqualTo("a");
        assertThat(found.accuracy().ratio()).isEqualTo(3);
        assertThat(found.flaggedRate().ratio()).isNull();
        assertThat(found.flaggedRate().minGroup()).isEqualTo("a");
        assertThat(found.overallAccuracy()).isEqualTo(new Proportion(10, 16));
        assertThat(Disparity.of(List.of()).accuracy().max()).isNull();
    }
}
