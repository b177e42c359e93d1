package jclip.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Cuts a cleaned text into the pieces that are encoded one by one: the special tokens; {@code 's 't 're 've 'm 'll 'd};
 * runs of letters; single number characters; runs of what is neither white space, letter nor number. Case is ignored.
 */
final class PieceSplitter {
    /** What {@link #next} returns when no piece is left. */
    static final long NONE = -1;

    private static final byte[] ASCII = asciiClasses();
    private static final int LONG_S = 0x17F;

    private final byte[] startToken;
    private final byte[] endToken;

    PieceSplitter(SpecialTokens special) {
        startToken = special.start().getBytes(StandardCharsets.US_ASCII);
        endToken = special.end().getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] asciiClasses() {
        byte[] classes = new byte[128];
        for (int c = 0; c < classes.length; c++) {
            boolean letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            boolean space = c == ' ' || (c >= '\t' && c <= '\r');
            classes[c] = letter
                    ? CodePointClasses.LETTER
                    : space
                            ? CodePointClasses.SPACE
                            : c >= '0' && c <= '9' ? CodePointClasses.NUMBER : CodePointClasses.OTHER;
        }
        return classes;
    }

    /**
     * The first piece at or after {@code from} in well-formed UTF-8: its start in the upper, its end in the lower half.
     */
    long next(byte[] text, int from) {
        int at = from;
        while (at < text.length) {
            int kind = classAt(text, at);
            if (kind != CodePointClasses.SPACE && kind != CodePointClasses.DROPPED) {
                return (long) at << 32 | end(text, at, kind);
            }
            at += width(text[at]);
        }
        return NONE;
    }

    private int end(byte[] text, int at, int kind) {
        if (kind == CodePointClasses.OTHER) {
            int end = text[at] == '\'' ? contractionEnd(text, at) : text[at] == '<' ? specialEnd(text, at) : at;
            if (end > at) {
                return end;
            }
        }
        int end = at + width(text[at]);
        if (kind != CodePointClasses.NUMBER) {
            while (end < text.length && classAt(text, end) == kind) {
                end += width(text[end]);
            }
        }
        return end;
    }

    /** Whether the piece is the start token as written, not merely in another case. */
    boolean isStartToken(byte[] text, int from, int to) {
        return equals(startToken, text, from, to);
    }

    /** Whether the piece is the end token as written, not merely in another case. */
    boolean isEndToken(byte[] text, int from, int to) {
        return equals(endToken, text, from, to);
    }

    private static boolean equals(byte[] token, byte[] text, int from, int to) {
        return Arrays.equals(token, 0, token.length, text, from, to);
    }

    private int specialEnd(byte[] text, int at) {
        int end = wordEnd(text, at, startToken);
        return end > at ? end : wordEnd(text, at, endToken);
    }

    private static int contractionEnd(byte[] text, int at) {
        int first = folded(text, at + 1);
        if (first == 's' || first == 't' || first == 'm' || first == 'd') {
            return at + 1 + width(text[at + 1]);
        }
        int second = folded(text, at + 2);
        boolean two =
                (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
        return two ? at + 3 : at;
    }

    /** The end of the word at {@code at}, or {@code at} where another text stands. */
    private static int wordEnd(byte[] text, int at, byte[] word) {
        int end = at;
        for (byte b : word) {
            if (folded(text, end) != b) {
                return at;
            }
            end += width(text[end]);
        }
        return end;
    }

    /** The character at {@code at} with case folded: a small ASCII letter, another ASCII character, or -1. */
    private static int folded(byte[] text, int at) {
        if (at >= text.length) {
            return -1;
        }
        int b = text[at];
        if (b < 0) {
            return (b & 0xE0) == 0xC0 && Utf8.codePoint(text, at) == LONG_S ? 's' : -1;
        }
        return b >= 'A' && b <= 'Z' ? b + 32 : b;
    }

    private static int classAt(byte[] text, int at) {
        int b = text[at];
        return b >= 0 ? ASCII[b] : CodePointClasses.of(Utf8.codePoint(text, at));
    }

    private static int width(byte lead) {
        return lead >= 0 ? 1 : (lead & 0xE0) == 0xC0 ? 2 : (lead & 0xF0) == 0xE0 ? 3 : 4;
    }
}
