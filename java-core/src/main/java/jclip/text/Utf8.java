package jclip.text;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** UTF-8 with the reference's idea of what is malformed and of how many replacement characters that makes. */
final class Utf8 {
    private Utf8() {}

    /**
     * The length of the well-formed sequence at {@code at}, or minus the number of bytes that one replacement character
     * stands for (the longest beginning of a well-formed sequence, at least one byte).
     */
    static int sequence(byte[] bytes, int at, int end) {
        int lead = bytes[at] & 0xFF;
        if (lead < 0x80) {
            return 1;
        }
        if (lead < 0xC2 || lead > 0xF4) {
            return -1;
        }
        int length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        int low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        int high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        for (int i = 1; i < length; i++) {
            int next = at + i < end ? bytes[at + i] & 0xFF : -1;
            if (next < low || next > high) {
                return -i;
            }
            low = 0x80;
            high = 0xBF;
        }
        return length;
    }

    /** The first malformed byte, or -1. */
    static int malformedAt(byte[] bytes, int from, int end) {
        for (int i = from; i < end; ) {
            int length = sequence(bytes, i, end);
            if (length < 0) {
                return i;
            }
            i += length;
        }
        return -1;
    }

    /** The code point at {@code at} of well-formed text. */
    static int codePoint(byte[] text, int at) {
        int lead = text[at];
        if (lead >= 0) {
            return lead;
        }
        int second = text[at + 1] & 0x3F;
        if ((lead & 0xE0) == 0xC0) {
            return (lead & 0x1F) << 6 | second;
        }
        int third = text[at + 2] & 0x3F;
        if ((lead & 0xF0) == 0xE0) {
            return (lead & 0x0F) << 12 | second << 6 | third;
        }
        return (lead & 0x07) << 18 | second << 12 | third << 6 | (text[at + 3] & 0x3F);
    }

    /** The bytes a code point takes. */
    static int length(int codePoint) {
        return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    }

    /** The text, or null where the bytes are malformed. */
    static @Nullable String decode(byte[] bytes) {
        return malformedAt(bytes, 0, bytes.length) < 0 ? new String(bytes, StandardCharsets.UTF_8) : null;
    }

    /** The text with U+FFFD for what is malformed. */
    static String decodeReplacing(byte[] bytes, int end) {
        int bad = malformedAt(bytes, 0, end);
        if (bad < 0) {
            return new String(bytes, 0, end, StandardCharsets.UTF_8);
        }
        StringBuilder text = new StringBuilder(end);
        for (int i = 0; i < end; ) {
            int length = sequence(bytes, i, end);
            text.appendCodePoint(length > 0 ? codePoint(bytes, i) : 0xFFFD);
            i += Math.abs(length);
        }
        return text.toString();
    }
}
