package jclip.text;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Collects tokens and merges while a vocabulary is read. A token is written in byte symbols: one character for each
 * byte, with {@code </w>} at the end of a word. Memory is a small multiple of the bytes added.
 */
final class VocabularyBuilder {
    /** What {@link #find} returns for a token that is not there, and {@link #parse} for text that is none. */
    static final int NONE = -1;

    private static final byte[] END_OF_WORD = {'<', '/', 'w', '>'};
    /** By character: the byte it stands for, or -1. */
    private static final short[] BYTE_OF = new short[0x144];

    private static final char[] CHARACTER_OF = new char[256];

    static {
        Arrays.fill(BYTE_OF, (short) -1);
        int extra = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean itself = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
            CHARACTER_OF[b] = (char) (itself ? b : extra++);
            BYTE_OF[CHARACTER_OF[b]] = (short) b;
        }
    }

    /** Odd and not to be foretold: a file cannot be made so that its tokens fall on one place of the table. */
    private final long multiplier = new SplittableRandom().nextLong() | 1;

    private long[] powers = {1};
    private byte[] pool;
    private int[] offsets;
    private long[] hashes;
    private boolean[] endsWord;
    private int[] idOf;
    private int count;
    private int size;
    /** Open addressing by bytes and end-of-word mark: symbol + 1, or 0; at most half full. */
    private int[] table;

    private final PairTable pairs;
    private int[] merged;
    private boolean parsedEnd;
    private byte[] scratch = new byte[64];
    /** The polynomial of the bytes in the scratch: that of two joined tokens follows from theirs. */
    private long scratchHash;

    /** A builder with room for this many tokens before it must grow. */
    VocabularyBuilder(int tokens) {
        int room = Math.max(tokens, 1024);
        pool = new byte[room * 8];
        offsets = new int[room + 1];
        hashes = new long[room];
        endsWord = new boolean[room];
        idOf = new int[room];
        table = new int[Integer.highestOneBit(room) * 4];
        pairs = new PairTable(room);
        merged = new int[room];
    }

    /** The 256 byte symbols and the same at the end of a word, in the order of OpenAI's ids. */
    void addByteSymbols() {
        for (int last = 0; last < 2; last++) {
            for (int c = 0; c < BYTE_OF.length; c++) {
                if (BYTE_OF[c] >= 0) {
                    scratch[0] = (byte) BYTE_OF[c];
                    scratchHash = scratch[0];
                    add(1, last == 1, size);
                }
            }
        }
    }

    /**
     * Reads a token written in byte symbols into the scratch: its length in bytes, or {@link #NONE} where a character
     * is not a byte symbol. Then {@link #find} and {@link #add} take it from there.
     */
    int parse(byte[] text, int from, int to) {
        parsedEnd = to - from > END_OF_WORD.length
                && Arrays.equals(text, to - END_OF_WORD.length, to, END_OF_WORD, 0, END_OF_WORD.length);
        int end = parsedEnd ? to - END_OF_WORD.length : to;
        scratch = scratch.length < end - from ? new byte[end - from] : scratch;
        int length = 0;
        long hash = 0;
        for (int i = from; i < end; ) {
            int width = text[i] >= 0 ? 1 : Utf8.sequence(text, i, end);
            int codePoint = width < 0 ? BYTE_OF.length : Utf8.codePoint(text, i);
            if (codePoint >= BYTE_OF.length || BYTE_OF[codePoint] < 0) {
                return NONE;
            }
            byte value = (byte) BYTE_OF[codePoint];
            scratch[length++] = value;
            hash = hash * multiplier + value;
            i += width;
        }
        scratchHash = hash;
        return length;
    }

    /** The symbol of the parsed token, or {@link #NONE}. */
    int find(int length) {
        return length == NONE ? NONE : table[slot(length, parsedEnd)] - 1;
    }

    /** Adds the parsed token under an id, or gives the id to the token that is already there; its symbol. */
    int add(int length, int id) {
        return add(length, parsedEnd, id);
    }

    /** Adds the token that two symbols make together, or gives the id to the one that is already there; its symbol. */
    int addMerged(int left, int right, int id) {
        return add(join(left, right), endsWord[right], id);
    }

    /** The symbol of the token that two symbols make together, or {@link #NONE}. */
    int findMerged(int left, int right) {
        return table[slot(join(left, right), endsWord[right])] - 1;
    }

    private int join(int left, int right) {
        int first = offsets[left + 1] - offsets[left];
        int length = first + offsets[right + 1] - offsets[right];
        scratch = scratch.length < length ? new byte[length] : scratch;
        System.arraycopy(pool, offsets[left], scratch, 0, first);
        System.arraycopy(pool, offsets[right], scratch, first, length - first);
        scratchHash = hashes[left] * power(length - first) + hashes[right];
        return length;
    }

    private long power(int exponent) {
        if (exponent >= powers.length) {
            int known = powers.length;
            powers = Arrays.copyOf(powers, Math.max(exponent + 1, known * 2));
            for (int i = known; i < powers.length; i++) {
                powers[i] = powers[i - 1] * multiplier;
            }
        }
        return powers[exponent];
    }

    private int add(int length, boolean last, int id) {
        int slot = slot(length, last);
        size = Math.max(size, id + 1);
        if (table[slot] > 0) {
            idOf[table[slot] - 1] = id;
            return table[slot] - 1;
        }
        int symbol = count;
        if (count == idOf.length) {
            offsets = Arrays.copyOf(offsets, idOf.length * 2 + 1);
            hashes = Arrays.copyOf(hashes, hashes.length * 2);
            endsWord = Arrays.copyOf(endsWord, endsWord.length * 2);
            idOf = Arrays.copyOf(idOf, idOf.length * 2);
        }
        table[slot] = ++count;
        int from = offsets[symbol];
        if (from + length > pool.length) {
            pool = Arrays.copyOf(pool, Math.max(from + length, pool.length * 2));
        }
        System.arraycopy(scratch, 0, pool, from, length);
        offsets[count] = from + length;
        hashes[symbol] = scratchHash;
        endsWord[symbol] = last;
        idOf[symbol] = id;
        if (count * 2 >= table.length) {
            rehash();
        }
        return symbol;
    }

    private void rehash() {
        table = new int[table.length * 4];
        for (int symbol = 0; symbol < count; symbol++) {
            int slot = firstSlot(hashes[symbol], endsWord[symbol]);
            while (table[slot] > 0) {
                slot = (slot + 1) & (table.length - 1);
            }
            table[slot] = symbol + 1;
        }
    }

    private int slot(int length, boolean last) {
        int slot = firstSlot(scratchHash, last);
        while (table[slot] > 0 && !isToken(table[slot] - 1, length, last)) {
            slot = (slot + 1) & (table.length - 1);
        }
        return slot;
    }

    private boolean isToken(int symbol, int length, boolean last) {
        return hashes[symbol] == scratchHash
                && endsWord[symbol] == last
                && Arrays.equals(pool, offsets[symbol], offsets[symbol + 1], scratch, 0, length);
    }

    private int firstSlot(long hash, boolean last) {
        long mixed = (last ? ~hash : hash) * multiplier;
        return (int) (mixed >>> 32) & (table.length - 1);
    }

    /** Takes an id for a token that no text has (the reference makes one of a blank line). */
    void skipId() {
        size++;
    }

    /** The next merge; what it makes must be there already. False where the pair has been merged before. */
    boolean merge(int left, int right, int made) {
        int rank = pairs.size();
        merged = rank == merged.length ? Arrays.copyOf(merged, rank * 2) : merged;
        merged[rank] = made;
        return pairs.add(left, right);
    }

    int size() {
        return size;
    }

    int merges() {
        return pairs.size();
    }

    int idOf(int symbol) {
        return idOf[symbol];
    }

    int[] idOf() {
        return Arrays.copyOf(idOf, count);
    }

    /** By id; -1 for an id that was given up for a later one of the same token, and for one without a text. */
    int[] symbolOf() {
        int[] symbols = new int[size];
        Arrays.fill(symbols, -1);
        for (int symbol = 0; symbol < count; symbol++) {
            symbols[idOf[symbol]] = symbol;
        }
        return symbols;
    }

    byte[] pool() {
        return Arrays.copyOf(pool, offsets[count]);
    }

    int[] offsets() {
        return Arrays.copyOf(offsets, count + 1);
    }

    boolean[] endsWord() {
        return Arrays.copyOf(endsWord, count);
    }

    int[] merged() {
        return Arrays.copyOf(merged, pairs.size());
    }

    PairTable pairs() {
        return pairs;
    }

    /** By byte, then by byte at the end of a word; {@link #NONE} where the token is missing. */
    int[] byteSymbols() {
        int[] symbols = new int[512];
        for (int i = 0; i < symbols.length; i++) {
            scratch[0] = (byte) i;
            scratchHash = scratch[0];
            symbols[i] = table[slot(1, i >= 256)] - 1;
        }
        return symbols;
    }

    /** How the symbol of a byte is written, given its index in {@link #byteSymbols}. */
    static String written(int index) {
        return CHARACTER_OF[index & 0xFF] + (index >= 256 ? "</w>" : "");
    }
}
