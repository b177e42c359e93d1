package jclip.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The generator against the published known answers of Random123, and what is made from it. */
class PhiloxTest {
    private static int[] block(Philox philox, int c0, int c1, int c2, int c3) {
        int[] out = new int[4];
        philox.block(c0, c1, c2, c3, out);
        return out;
    }

    @Test
    void knownAnswers() {
        assertThat(block(new Philox(0), 0, 0, 0, 0)).containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
        assertThat(block(new Philox(-1), -1, -1, -1, -1))
                .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
        Philox pi = new Philox(0x299f31d0a4093822L);
        assertThat(block(pi, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344))
                .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
        assertThat(pi.word(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344)).isEqualTo(0xd16cfe09);
    }

    @Test
    void wordsBecomeNumbersInTheirRange() {
        assertThat(Philox.unit(0)).isZero();
        assertThat(Philox.unit(-1)).isLessThan(1).isGreaterThan(0.9999999);
        assertThat(Philox.below(-1, 7)).isEqualTo(6);
        assertThat(Philox.below(0, 7)).isZero();
        assertThatThrownBy(() -> Philox.below(1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void everyEpochIsAShuffle() {
        int[] words = new int[4];
        for (int size : new int[] {1, 2, 3, 4, 5, 16, 17, 1000, 4096, 4097}) {
            Permutation shuffle = new Permutation(size, new Philox(7), Streams.ORDER);
            for (int epoch = 0; epoch < 3; epoch++) {
                int now = epoch;
                int[] order = IntStream.range(0, size)
                        .map(place -> shuffle.at(now, place, words))
                        .toArray();
                int[] sorted = order.clone();
                Arrays.sort(sorted);
                assertThat(sorted).isEqualTo(IntStream.range(0, size).toArray());
                if (size >= 16) {
                    assertThat(order).isNotEqualTo(sorted);
                }
            }
        }
    }

    /** Chi-square over the 120 orders of five: 119 degrees of freedom, 99.99 % point 182. */
    @Test
    void allOrdersAreAboutAsLikely() {
        int[] words = new int[4];
        int[] counts = new int[3125];
        int epochs = 12_000;
        Permutation shuffle = new Permutation(5, new Philox(3), Streams.ORDER);
        for (int epoch = 0; epoch < epochs; epoch++) {
            int code = 0;
            for (int place = 0; place < 5; place++) {
                code = code * 5 + shuffle.at(epoch, place, words);
            }
            counts[code]++;
        }
        double expected = epochs / 120.0;
        double chiSquare = Arrays.stream(counts)
                .filter(count -> count > 0)
                .mapToDouble(count -> (count - expected) * (count - expected) / expected)
                .sum();
        long missing = 120 - Arrays.stream(counts).filter(count -> count > 0).count();
        System.out.printf("orders of five: chi-square %.1f of 182%n", chiSquare + missing * expected);
        assertThat(chiSquare + missing * expected).isLessThan(182);
    }
}
