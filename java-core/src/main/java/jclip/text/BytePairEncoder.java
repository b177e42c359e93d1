package jclip.text;

import java.util.Arrays;

/**
 * From pieces to ids: the pair of neighbours with the lowest rank is merged everywhere from left to right, until none
 * is left to merge. Short pieces are remembered in a table of fixed size.
 */
final class BytePairEncoder {
    private static final int REMEMBERED = 1 << 14;
    private static final int LONGEST_REMEMBERED = 48;
    /** Pieces above this go through a heap: the plain loop's time grows with the square of the length. */
    private static final int LONGEST_PLAIN = 256;

    /** A piece and its ids; immutable, so that threads may share it without a lock. */
    private record Remembered(int hash, byte[] piece, int[] ids) {}

    private final Vocabulary vocabulary;
    /** Written without a lock: a lost or late entry costs time and nothing else. */
    private final Remembered[] remembered = new Remembered[REMEMBERED];

    BytePairEncoder(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    void encode(byte[] text, int from, int to, IntList ids) {
        if (to - from > LONGEST_REMEMBERED) {
            ids.addAll(merge(text, from, to));
            return;
        }
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = hash * 31 + text[i];
        }
        int slot = hash * 0x9E3779B9 >>> 32 - 14;
        Remembered entry = remembered[slot];
        if (entry == null || entry.hash != hash || !Arrays.equals(entry.piece, 0, entry.piece.length, text, from, to)) {
            entry = new Remembered(hash, Arrays.copyOfRange(text, from, to), merge(text, from, to));
            remembered[slot] = entry;
        }
        ids.addAll(entry.ids);
    }

    private int[] merge(byte[] text, int from, int to) {
        int[] symbols = new int[to - from];
        for (int i = 0; i < symbols.length; i++) {
            symbols[i] = vocabulary.byteSymbol(text[from + i], i == symbols.length - 1);
        }
        int count = symbols.length <= LONGEST_PLAIN ? mergePlain(symbols) : mergeLong(symbols);
        int[] ids = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = vocabulary.id(symbols[i]);
        }
        return ids;
    }

    /** Merges in place and returns how many symbols are left. */
    int mergePlain(int[] symbols) {
        int count = symbols.length;
        int[] ranks = new int[count];
        while (true) {
            int lowest = PairTable.NO_RANK;
            for (int i = 0; i + 1 < count; i++) {
                ranks[i] = vocabulary.rank(symbols[i], symbols[i + 1]);
                lowest = Math.min(lowest, ranks[i]);
            }
            if (lowest == PairTable.NO_RANK) {
                return count;
            }
            int kept = 0;
            for (int i = 0; i < count; i++) {
                boolean pair = i + 1 < count && ranks[i] == lowest;
                symbols[kept++] = pair ? vocabulary.merged(lowest) : symbols[i];
                i += pair ? 1 : 0;
            }
            count = kept;
        }
    }

    /**
     * The same as {@link #mergePlain} in n log n: a heap of pairs by rank and place, and links between what is left.
     */
    int mergeLong(int[] symbols) {
        int length = symbols.length;
        int[] previous = new int[length];
        int[] next = new int[length];
        LongHeap heap = new LongHeap(length);
        for (int i = 0; i < length; i++) {
            previous[i] = i - 1;
            next[i] = i + 1;
            push(heap, symbols, i, i + 1);
        }
        IntList changed = new IntList(64);
        while (!heap.isEmpty()) {
            int rank = (int) (heap.first() >>> 32);
            changed.clear();
            while (!heap.isEmpty() && (int) (heap.first() >>> 32) == rank) {
                int at = (int) heap.removeFirst();
                int right = next[at];
                if (symbols[at] >= 0 && right < length && vocabulary.rank(symbols[at], symbols[right]) == rank) {
                    symbols[at] = vocabulary.merged(rank);
                    symbols[right] = -1;
                    next[at] = next[right];
                    if (next[at] < length) {
                        previous[next[at]] = at;
                    }
                    changed.add(at);
                }
            }
            // New pairs come in only now: the whole text is merged at one rank before another rank has its turn.
            for (int i = 0; i < changed.size(); i++) {
                int at = changed.get(i);
                push(heap, symbols, at, next[at]);
                if (previous[at] >= 0) {
                    push(heap, symbols, previous[at], at);
                }
            }
        }
        int kept = 0;
        for (int i = 0; i < length; i = next[i]) {
            symbols[kept++] = symbols[i];
        }
        return kept;
    }

    private void push(LongHeap heap, int[] symbols, int left, int right) {
        int rank = right < symbols.length ? vocabulary.rank(symbols[left], symbols[right]) : PairTable.NO_RANK;
        if (rank != PairTable.NO_RANK) {
            heap.add((long) rank << 32 | left);
        }
    }
}
