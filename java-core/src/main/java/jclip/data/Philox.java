package jclip.data;

/**
 * Philox 4x32 with ten rounds: random numbers that are a function of a key and a counter, without a state. Here the key
 * is the seed and the counter (stream, step, sample, element), so that any number can be computed at any time, by any
 * thread and after any restart.
 *
 * <p>Immutable, safe for many threads. Streams 0 to 15 belong to this package. Source: Salmon et al., Parallel Random
 * Numbers: As Easy as 1, 2, 3 (SC11); Random123.
 */
public final class Philox {
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;
    private static final long LOW = 0xFFFFFFFFL;

    private final int key0;
    private final int key1;

    /** The generator of a seed: its lower 32 bits are the first word of the key, its upper the second. */
    public Philox(long seed) {
        this((int) seed, (int) (seed >>> 32));
    }

    Philox(int key0, int key1) {
        this.key0 = key0;
        this.key1 = key1;
    }

    /**
     * Four words of 32 random bits.
     *
     * @param out at least four places, of which the first four are written
     */
    public void block(int stream, int step, int sample, int element, int[] out) {
        int c0 = stream;
        int c1 = step;
        int c2 = sample;
        int c3 = element;
        int k0 = key0;
        int k1 = key1;
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = MULTIPLIER_0 * (c0 & LOW);
            long p1 = MULTIPLIER_1 * (c2 & LOW);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        out[0] = c0;
        out[1] = c1;
        out[2] = c2;
        out[3] = c3;
    }

    /** The first word of a block. */
    public int word(int stream, int step, int sample, int element) {
        int[] out = new int[4];
        block(stream, step, sample, element, out);
        return out[0];
    }

    /** A word as a number in [0, 1): a multiple of 2^-32. */
    public static double unit(int word) {
        return (word & LOW) * 0x1p-32;
    }

    /**
     * A word as an integer in [0, bound): the upper half of their product, whose bias is below bound / 2^32.
     *
     * @throws IllegalArgumentException if the bound is not positive
     */
    public static int below(int word, int bound) {
        if (bound < 1) {
            throw new IllegalArgumentException("bound " + bound + ", wanted at least 1");
        }
        return (int) ((word & LOW) * bound >>> 32);
    }
}
