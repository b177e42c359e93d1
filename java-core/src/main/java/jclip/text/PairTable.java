package jclip.text;

import java.util.Arrays;
import java.util.SplittableRandom;

/** The rank of each pair of symbols that is merged: open addressing, at most half full. */
final class PairTable {
    /** The rank of a pair that is never merged. */
    static final int NO_RANK = Integer.MAX_VALUE;

    private static final long EMPTY = -1;

    /** Odd and not to be foretold: a file cannot be made so that its pairs fall on one place. */
    private final long multiplier = new SplittableRandom().nextLong() | 1;

    private long[] pairs;
    private int[] ranks;
    private int size;

    /** A table with room for this many pairs before it must grow. */
    PairTable(int room) {
        pairs = new long[Integer.highestOneBit(Math.max(16, room)) * 4];
        ranks = new int[pairs.length];
        Arrays.fill(pairs, EMPTY);
    }

    /** The rank of merging two neighbours, lowest first, or {@link #NO_RANK}. */
    int rank(int left, int right) {
        long pair = (long) left << 32 | right;
        int slot = slot(pair);
        return pairs[slot] == pair ? ranks[slot] : NO_RANK;
    }

    /** Adds a pair under the next rank; false where it is there already. */
    boolean add(int left, int right) {
        long pair = (long) left << 32 | right;
        int slot = slot(pair);
        if (pairs[slot] == pair) {
            return false;
        }
        pairs[slot] = pair;
        ranks[slot] = size++;
        if (size * 2 > pairs.length) {
            grow();
        }
        return true;
    }

    int size() {
        return size;
    }

    private void grow() {
        long[] oldPairs = pairs;
        int[] oldRanks = ranks;
        pairs = new long[oldPairs.length * 4];
        ranks = new int[pairs.length];
        Arrays.fill(pairs, EMPTY);
        for (int i = 0; i < oldPairs.length; i++) {
            if (oldPairs[i] != EMPTY) {
                int slot = slot(oldPairs[i]);
                pairs[slot] = oldPairs[i];
                ranks[slot] = oldRanks[i];
            }
        }
    }

    /** Where the pair is or would be. */
    private int slot(long pair) {
        int mask = pairs.length - 1;
        int slot = (int) (pair * multiplier >>> 32) & mask;
        while (pairs[slot] != pair && pairs[slot] != EMPTY) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }
}
