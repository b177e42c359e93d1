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
        int end = VocabularyFile.lineEnd(bytes, at);
        int leftFrom = skip(at, end, true);
        int leftTo = skip(leftFrom, end, false);
        int rightFrom = skip(leftTo, end, true);
        int rightTo = skip(rightFrom, end, false);
        if (leftFrom == end) {
            skipLine();
            return false;
        }
        if (rightFrom == end || skip(rightTo, end, true) != end) {
            throw error("is " + VocabularyFile.quote(bytes, at, end) + "; wanted two parts with a space between");
        }
        left = symbol(leftFrom, leftTo);
        right = symbol(rightFrom, rightTo);
        skipLine();
        return true;
    }

    private int skip(int from, int end, boolean space) {
        int i = from;
        while (i < end && (bytes[i] == ' ' || (bytes[i] >= '\t' && bytes[i] <= '\r')) == space) {
            i++;
        }
        return i;
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
