package jclip.text;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;

/**
 * CLIP's byte-pair encoding: from a text to token ids and back. Immutable and safe for many threads.
 *
 * <p>A text is repaired (mojibake, entities, quotes and so on, as ftfy 6.3.1 does), HTML-unescaped twice, cleaned as
 * {@link Cleaning} says, split into words, numbers and signs, and each of these is merged into the vocabulary's tokens.
 * The ids equal those of OpenAI's and open_clip's tokenizers, whatever form the vocabulary comes in; Hugging Face's
 * own tokenizer differs where it leaves out the repair.
 *
 * <p>Source: Radford et al., Learning Transferable Visual Models From Natural Language Supervision, section 2.4;
 * {@code SimpleTokenizer} of OpenAI's CLIP and open_clip 3.3.0.
 */
public final class Tokenizer {
    private final Vocabulary vocabulary;
    private final BytePairEncoder encoder;
    private final SpecialTokens special;
    private final Cleaning cleaning;
    private final PieceSplitter splitter;

    private Tokenizer(Vocabulary vocabulary, BytePairEncoder encoder, SpecialTokens special, Cleaning cleaning) {
        this.vocabulary = vocabulary;
        this.encoder = encoder;
        this.special = special;
        this.cleaning = cleaning;
        splitter = new PieceSplitter(special);
    }

    private static Tokenizer of(Vocabulary vocabulary) {
        return new Tokenizer(vocabulary, new BytePairEncoder(vocabulary), vocabulary.special(), Cleaning.LOWER);
    }

    /** Reads the standard vocabulary on first use and keeps it. */
    private static final class Standard {
        private static final Tokenizer TOKENIZER = of(BpeText.standard());

        private Standard() {}
    }

    /** The tokenizer of OpenAI's models: 49,408 tokens, special tokens spelled as open_clip does. */
    public static Tokenizer standard() {
        return Standard.TOKENIZER;
    }

    /**
     * The tokenizer with the vocabulary in a file or folder: {@code bpe_*.txt} as OpenAI writes it (special tokens
     * spelled as open_clip does), or {@code vocab.json} with {@code merges.txt} or {@code tokenizer.json} as Hugging
     * Face writes them (special tokens spelled as OpenAI does), each also packed with gzip. In a folder they are looked
     * for in this order.
     *
     * @throws TokenizerException if there is none or it is damaged: the message names file and line
     */
    public static Tokenizer open(Path fileOrFolder) {
        return of(VocabularyFolder.open(Objects.requireNonNull(fileOrFolder, "fileOrFolder")));
    }

    /** Whether a folder holds a vocabulary that {@link #open} would read (or refuse). */
    public static boolean isPresent(Path folder) {
        return VocabularyFolder.isPresent(folder);
    }

    /** The same tokenizer with another cleaning. */
    public Tokenizer withCleaning(Cleaning cleaning) {
        return new Tokenizer(vocabulary, encoder, special, Objects.requireNonNull(cleaning, "cleaning"));
    }

    /** The same tokenizer with another spelling of the special tokens. */
    public Tokenizer withSpecialTokens(SpecialTokens special) {
        return new Tokenizer(vocabulary, encoder, Objects.requireNonNull(special, "special"), cleaning);
    }

    /** The ids of a text with start and end token, neither padded nor cut. */
    public int[] encode(String text) {
        return encodeClean(cleaning.cleanUtf8(text)).toArray();
    }

    /**
     * The ids of a text as a row of exactly {@code contextLength}, zeros behind the end token.
     *
     * @throws IllegalArgumentException if there are more tokens and {@code overflow} is {@link Overflow#REJECT}; the
     *     message says how many, and where the text would be cut
     */
    public int[] encode(String text, int contextLength, Overflow overflow) {
        int[] row = new int[checkContext(contextLength)];
        fill(row, text, encodeClean(cleaning.cleanUtf8(text)), overflow);
        return row;
    }

    /**
     * As {@link #encode(String, int, Overflow)}, with the number of tokens of the whole text and the part that was
     * kept.
     */
    public TokenRow encodeRow(String text, int contextLength, Overflow overflow) {
        int[] row = new int[checkContext(contextLength)];
        IntList ids = encodeClean(cleaning.cleanUtf8(text));
        fill(row, text, ids, overflow);
        return new TokenRow(row, ids.size(), kept(text, contextLength));
    }

    /**
     * Writes a row into native or heap memory: {@code row.byteSize() / 4} ids of 32 bits, zeros behind the end token.
     *
     * @return how many ids were written before the zeros
     * @throws IllegalArgumentException as {@link #encode(String, int, Overflow)}
     */
    public int encodeInto(String text, MemorySegment row, Overflow overflow) {
        if (row.byteSize() % Integer.BYTES != 0 || row.byteSize() / Integer.BYTES > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "a row has " + row.byteSize() + " bytes; wanted a multiple of 4 below 8 GiB");
        }
        int contextLength = checkContext((int) (row.byteSize() / Integer.BYTES));
        IntList ids = encodeClean(cleaning.cleanUtf8(text));
        checkLength(text, ids, contextLength, overflow);
        int count = Math.min(ids.size(), contextLength);
        for (int i = 0; i < contextLength; i++) {
            int id = i < count - 1 ? ids.get(i) : i == count - 1 ? vocabulary.endToken() : 0;
            row.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i, id);
        }
        return count;
    }

    private static int checkContext(int contextLength) {
        if (contextLength < 1) {
            throw new IllegalArgumentException("context length " + contextLength + "; wanted at least 1");
        }
        return contextLength;
    }

    private void fill(int[] row, String text, IntList ids, Overflow overflow) {
        checkLength(text, ids, row.length, overflow);
        ids.copyTo(row, 0, Math.min(ids.size(), row.length));
        if (ids.size() > row.length) {
            row[row.length - 1] = vocabulary.endToken();
        }
    }

    private void checkLength(String text, IntList ids, int contextLength, Overflow overflow) {
        if (ids.size() <= contextLength || overflow == Overflow.TRUNCATE) {
            return;
        }
        String kept = kept(text, contextLength);
        String tail = kept.codePointCount(0, kept.length()) > 40
                ? "…" + kept.substring(kept.offsetByCodePoints(kept.length(), -40))
                : kept;
        throw new IllegalArgumentException(
                "the text has " + ids.size() + " tokens with start and end token, the context "
                        + contextLength + ": it would be cut behind \"" + tail + "\" (character " + kept.length()
                        + " of the cleaned text); shorten it or ask for truncation");
    }

    private IntList encodeClean(byte[] clean) {
        IntList ids = new IntList(clean.length / 3 + 8);
        ids.add(vocabulary.startToken());
        long piece = splitter.next(clean, 0);
        while (piece != PieceSplitter.NONE) {
            int end = (int) piece;
            encodePiece(clean, (int) (piece >>> 32), end, ids);
            piece = splitter.next(clean, end);
        }
        ids.add(vocabulary.endToken());
        return ids;
    }

    private void encodePiece(byte[] clean, int from, int to, IntList ids) {
        if (clean[from] == '<' && splitter.isStartToken(clean, from, to)) {
            ids.add(vocabulary.startToken());
        } else if (clean[from] == '<' && splitter.isEndToken(clean, from, to)) {
            ids.add(vocabulary.endToken());
        } else {
            encoder.encode(clean, from, to, ids);
        }
    }

    /** The beginning of the cleaned text that a row of this length has room for. */
    private String kept(String text, int contextLength) {
        byte[] clean = cleaning.clean(text).getBytes(StandardCharsets.UTF_8);
        int room = contextLength - 2;
        int end = 0;
        long piece = splitter.next(clean, 0);
        while (piece != PieceSplitter.NONE) {
            IntList ids = new IntList(8);
            int from = (int) (piece >>> 32);
            encodePiece(clean, from, (int) piece, ids);
            if (ids.size() > room) {
                for (int i = 0; i < room; i++) {
                    from += vocabulary.length(ids.get(i));
                    end = from;
                }
                return Utf8.decodeReplacing(clean, end);
            }
            room -= ids.size();
            end = (int) piece;
            piece = splitter.next(clean, end);
        }
        return Utf8.decodeReplacing(clean, clean.length);
    }

    /**
     * The text of ids: a space behind each word, special tokens as they are spelled, U+FFFD for bytes that are not
     * UTF-8. A zero is a token like any other.
     *
     * @throws IllegalArgumentException if the vocabulary has no such id
     */
    public String decode(int[] ids) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(ids.length * 4);
        for (int i = 0; i < ids.length; i++) {
            if (!vocabulary.isToken(ids[i])) {
                throw new IllegalArgumentException(
                        "id " + ids[i] + " at place " + i + " is no token; wanted 0 to " + (vocabulary.size() - 1));
            }
            bytes.writeBytes(token(ids[i]));
            if (vocabulary.endsWord(ids[i])) {
                bytes.writeBytes(new byte[] {'<', '/', 'w', '>'});
            }
        }
        return Utf8.decodeReplacing(bytes.toByteArray(), bytes.size()).replace("</w>", " ");
    }

    private byte[] token(int id) {
        if (id == vocabulary.startToken()) {
            return special.start().getBytes(StandardCharsets.US_ASCII);
        }
        return id == vocabulary.endToken() ? special.end().getBytes(StandardCharsets.US_ASCII) : vocabulary.bytes(id);
    }

    /** The id of the start token. */
    public int startToken() {
        return vocabulary.startToken();
    }

    /** The id of the end token, at whose place the text tower pools. */
    public int endToken() {
        return vocabulary.endToken();
    }

    /** How many ids there are: one more than the largest. */
    public int vocabularySize() {
        return vocabulary.size();
    }

    /** How the special tokens are spelled. */
    public SpecialTokens specialTokens() {
        return special;
    }

    /** How a text is cleaned. */
    public Cleaning cleaning() {
        return cleaning;
    }
}
