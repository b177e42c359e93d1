package jclip.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads lines of two parts, each a token written in byte symbols, as both {@code bpe_*.txt} and {@code merges.txt} have
 * them.
 */
final class MergeLines {
    private final String file;
    private final byte[] bytes;
    private final VocabularyBuilder builder;
    private int at;
    private int line = 1;
    private int left;
    private int right;

    MergeLines(String file, byte[] bytes, VocabularyBuilder builder) {
        this.file = file;
        this.bytes = bytes;
        this.builder = builder;
    }

    boolean startsWith(String text) {
        byte[] wanted = text.getBytes(StandardCharsets.US_ASCII);
        int end = Math.min(bytes.length, at + wanted.length);
        return Arrays.equals(bytes, at, end, wanted, 0, wanted.length);
    }

    void skipLine() {
        at = VocabularyFile.lineEnd(bytes, at) + 1;
        line++;
    }

    /** Whether a line is left; the nothing behind a final line feed counts as one, as it does in the reference. */
    boolean hasLine() {
        return at <= bytes.length;
    }

    /** Reads the symbols of the next line; false where it is blank. */
    boolean read() {
        int leftFrom = skipSpace(at);
        int leftTo = skipPart(leftFrom);
        int rightFrom = skipSpace(leftTo);
        int rightTo = skipPart(rightFrom);
        int end = skipSpace(rightTo);
        boolean blank = leftFrom == leftTo;
        if (!blank && (rightFrom == rightTo || (end < bytes.length && bytes[end] != '\n'))) {
            int lineEnd = VocabularyFile.lineEnd(bytes, at);
            throw error("is " + VocabularyFile.quote(bytes, at, lineEnd) + "; wanted two parts with a space between");
        }
        if (!blank) {
            left = symbol(leftFrom, leftTo);
            right = symbol(rightFrom, rightTo);
        }
        at = end + 1;
        line++;
        return !blank;
    }

    /** The end of the white space within a line. */
    private int skipSpace(int from) {
        int i = from;
        while (i < bytes.length && bytes[i] != '\n' && isSpace(bytes[i])) {
            i++;
        }
        return i;
    }

    private int skipPart(int from) {
        int i = from;
        while (i < bytes.length && !isSpace(bytes[i])) {
            i++;
        }
        return i;
    }

    private static boolean isSpace(byte b) {
        return b == ' ' || (b >= '\t' && b <= '\r');
    }

    private int symbol(int from, int to) {
        int symbol = builder.find(builder.parse(bytes, from, to));
        if (symbol < 0) {
            throw error("merges " + VocabularyFile.quote(bytes, from, to) + ", which is no token so far");
        }
        return symbol;
    }

    int left() {
        return left;
    }

    int right() {
        return right;
    }

    /** An error about the line that is being read. */
    TokenizerException error(String what) {
        return new TokenizerException(file + ": line " + line + " " + what);
    }

    /** An error about the line that was read last. */
    TokenizerException errorInLast(String what) {
        return new TokenizerException(file + ": line " + (line - 1) + " " + what);
    }
}
