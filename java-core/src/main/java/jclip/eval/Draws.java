package jclip.eval;

import jclip.data.Philox;

/** A stream of random numbers: a function of a seed, a purpose and a number. Not thread-safe. */
final class Draws {
    /** Purposes, apart from those of {@code jclip.data}. */
    static final int BOOTSTRAP = 0x18;

    static final int PROBE = 0x19;
    private static final int WORDS = 4;

    private final Philox philox;
    private final int purpose;
    private final int number;
    private final int[] block = new int[WORDS];
    private int drawn;

    Draws(long seed, int purpose, int number) {
        this.philox = new Philox(seed);
        this.purpose = purpose;
        this.number = number;
    }

    /** A number from 0 to {@code bound - 1}. */
    int below(int bound) {
        int place = drawn % WORDS;
        if (place == 0) {
            philox.block(purpose, number, 0, drawn / WORDS, block);
        }
        drawn++;
        return Philox.below(block[place], bound);
    }
}
