package jclip.text;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.zip.GZIPInputStream;

/**
 * A vocabulary as OpenAI wrote it: a line of comment, then one merge a line. Ids follow from the order: the byte
 * symbols, the byte symbols at the end of a word, the merges, the start and the end token.
 */
final class BpeText {
    /** The standard vocabulary in the jar. */
    static final String STANDARD = "bpe_simple_vocab_16e6.txt.gz";

    /** Lines beyond these are not used: the reference takes 49,152 less 256 and 2. */
    private static final int MOST_MERGES = 49_152 - 256 - 2;

    private static final int STANDARD_BYTES = 1 << 20;

    private BpeText() {}

    static Vocabulary standard() {
        try (InputStream in = new GZIPInputStream(Tables.stream(STANDARD), 1 << 16)) {
            byte[] beginning = in.readNBytes(STANDARD_BYTES);
            return parse("jclip.jar/" + STANDARD, beginning, SpecialTokens.OPEN_CLIP);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the standard vocabulary from the jclip jar", e);
        }
    }

    static Vocabulary parse(String file, byte[] bytes, SpecialTokens special) {
        // A merge takes at least four bytes of the file.
        VocabularyBuilder builder = new VocabularyBuilder(512 + Math.min(MOST_MERGES, bytes.length / 4));
        builder.addByteSymbols();
        MergeLines lines = new MergeLines(file, bytes, builder);
        lines.skipLine();
        for (int i = 0; i < MOST_MERGES && lines.hasLine(); i++) {
            if (!lines.read()) {
                builder.skipId();
                continue;
            }
            int made = builder.addMerged(lines.left(), lines.right(), builder.size());
            if (!builder.merge(lines.left(), lines.right(), made)) {
                throw lines.errorInLast("is a duplicate: an earlier line has the same merge");
            }
        }
        if (builder.merges() == 0) {
            throw new TokenizerException(file + ": has no merges; wanted a line of comment, then one merge a line");
        }
        int start = builder.size();
        builder.skipId();
        builder.skipId();
        return new Vocabulary(builder, special, start, start + 1);
    }
}
