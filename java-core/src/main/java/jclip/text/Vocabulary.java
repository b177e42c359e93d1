package jclip.text;

import java.util.Arrays;

/**
 * Tokens and merges, immutable. Inside, tokens are numbered in the order in which they came (symbols); ids are what the
 * model sees. The two differ only where two merges make the same token (the later id counts) and in Hugging Face's
 * files.
 */
final class Vocabulary {
    private final SpecialTokens special;
    private final int startToken;
    private final int endToken;
    private final int[] idOf;
    private final int[] symbolOf;
    private final byte[] pool;
    private final int[] offsets;
    private final boolean[] endsWord;
    private final int[] byteSymbols;
    private final int[] merged;
    private final PairTable pairs;

    Vocabulary(VocabularyBuilder from, SpecialTokens special, int startToken, int endToken) {
        this.special = special;
        this.startToken = startToken;
        this.endToken = endToken;
        idOf = from.idOf();
        symbolOf = from.symbolOf();
        pool = from.pool();
        offsets = from.offsets();
        endsWord = from.endsWord();
        byteSymbols = from.byteSymbols();
        merged = from.merged();
        pairs = from.pairs();
    }

    /** The rank of merging two neighbours, lowest first, or {@link PairTable#NO_RANK}. */
    int rank(int left, int right) {
        return pairs.rank(left, right);
    }

    /** The symbol that the merge of this rank makes. */
    int merged(int rank) {
        return merged[rank];
    }

    /** The symbol of one byte, within a word or as its end. */
    int byteSymbol(byte value, boolean last) {
        return byteSymbols[(value & 0xFF) + (last ? 256 : 0)];
    }

    int id(int symbol) {
        return idOf[symbol];
    }

    /** How many bytes of text the token stands for. */
    int length(int id) {
        int symbol = symbolOf[id];
        return symbol < 0 ? 0 : offsets[symbol + 1] - offsets[symbol];
    }

    /** Whether some token has this id. */
    boolean isToken(int id) {
        return id >= 0 && id < symbolOf.length && (symbolOf[id] >= 0 || id == startToken || id == endToken);
    }

    /** The bytes of a token that is not a special one, without its end-of-word mark. */
    byte[] bytes(int id) {
        int symbol = symbolOf[id];
        return symbol < 0 ? new byte[0] : Arrays.copyOfRange(pool, offsets[symbol], offsets[symbol + 1]);
    }

    boolean endsWord(int id) {
        return symbolOf[id] >= 0 && endsWord[symbolOf[id]];
    }

    SpecialTokens special() {
        return special;
    }

    int startToken() {
        return startToken;
    }

    int endToken() {
        return endToken;
    }

    int size() {
        return symbolOf.length;
    }
}
