package jclip.data;

/**
 * A shuffle of 0 to size - 1 for each epoch whose places are computed one by one, in any order and without a table: a
 * Feistel network with Philox as its round function over the next even power of two, walked until it falls inside.
 * Immutable, safe for many threads.
 */
final class Permutation {
    private static final int ROUNDS = 8;

    /** Halves of two bits would only reach some of the shuffles, whatever the number of rounds. */
    private static final int LEAST_HALF = 3;

    private final int size;
    private final int half;
    private final int mask;
    private final Philox philox;
    private final int stream;

    Permutation(int size, Philox philox, int stream) {
        if (size < 1) {
            throw new IllegalArgumentException("a shuffle of " + size + " things");
        }
        this.size = size;
        this.philox = philox;
        this.stream = stream;
        int bits = 32 - Integer.numberOfLeadingZeros(size - 1);
        half = Math.max(LEAST_HALF, (bits + 1) / 2);
        mask = (1 << half) - 1;
    }

    /** Which number stands at a place. words: four places of the calling thread. */
    int at(int epoch, int place, int[] words) {
        long value = place;
        do {
            int left = (int) (value >>> half);
            int right = (int) value & mask;
            for (int round = 0; round < ROUNDS; round++) {
                philox.block(stream, epoch, round, right, words);
                int next = left ^ (words[0] & mask);
                left = right;
                right = next;
            }
            value = (long) left << half | right;
        } while (value >= size);
        return (int) value;
    }
}
