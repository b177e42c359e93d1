package jclip.text;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Undoes mojibake: UTF-8 that was read in a single-byte encoding, as {@code ftfy.fix_encoding} of ftfy 6.3.1 does. */
final class EncodingRepair {
    private static final CodePointSet FIRST_OF_2;
    private static final CodePointSet FIRST_OF_3;
    private static final CodePointSet FIRST_OF_4;
    private static final CodePointSet CONTINUATION;
    private static final CodePointSet CONTINUATION_STRICT;

    static {
        List<String> lines = Tables.lines("mojibake.txt");
        FIRST_OF_2 = CodePointSet.parse(Tables.named(lines, "utf8_first_of_2"));
        FIRST_OF_3 = CodePointSet.parse(Tables.named(lines, "utf8_first_of_3"));
        FIRST_OF_4 = CodePointSet.parse(Tables.named(lines, "utf8_first_of_4"));
        CONTINUATION = CodePointSet.parse(Tables.named(lines, "utf8_continuation"));
        CONTINUATION_STRICT = CodePointSet.parse(Tables.named(lines, "utf8_continuation_strict"));
    }

    private EncodingRepair() {}

    /** The text with the repair applied until nothing changes. Not for ASCII text, which never changes. */
    static String fix(String text) {
        String before;
        do {
            before = text;
            text = step(text);
        } while (!text.equals(before));
        return text;
    }

    private static String step(String text) {
        if (isAscii(text) || !MojibakeTest.isBad(text)) {
            return text;
        }
        for (SingleByteEncoding encoding : SingleByteEncoding.ALL) {
            byte[] bytes = encoding.encode(text);
            String decoded = bytes == null ? null : decode(bytes, encoding);
            if (decoded != null) {
                return decoded;
            }
        }
        String inPlaces = fixStretches(text);
        if (!inPlaces.equals(text)) {
            return inPlaces;
        }
        byte[] latin1 = SingleByteEncoding.LATIN_1.encode(text);
        String windows = latin1 == null ? null : SingleByteEncoding.decodeWindows1252(latin1);
        return windows != null && !windows.equals(text) ? windows : replaceC1(text);
    }

    private static boolean isAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                return false;
            }
        }
        return true;
    }

    private static @Nullable String decode(byte[] bytes, SingleByteEncoding encoding) {
        byte[] repaired = encoding.name().equals("macroman") ? bytes : LostBytes.restoreA0(bytes);
        if (encoding.isSloppy()) {
            repaired = LostBytes.replaceLossy(repaired);
        }
        for (byte b : repaired) {
            if (b == (byte) 0xED || b == (byte) 0xC0) {
                return decodeVariants(repaired);
            }
        }
        return Utf8.decode(repaired);
    }

    /** UTF-8 that may also hold C0 80 for NUL and six-byte surrogate pairs, or null where malformed. */
    private static @Nullable String decodeVariants(byte[] bytes) {
        StringBuilder text = new StringBuilder(bytes.length);
        for (int i = 0; i < bytes.length; ) {
            if (isNull(bytes, i)) {
                text.append('\0');
                i += 2;
            } else if (isSurrogatePair(bytes, i)) {
                int high = (bytes[i + 1] & 0x0F) << 16 | (bytes[i + 2] & 0x3F) << 10;
                text.appendCodePoint((high | (bytes[i + 4] & 0x0F) << 6 | (bytes[i + 5] & 0x3F)) + 0x10000);
                i += 6;
            } else {
                int length = Utf8.sequence(bytes, i, bytes.length);
                if (length < 0) {
                    return null;
                }
                text.appendCodePoint(Utf8.codePoint(bytes, i));
                i += length;
            }
        }
        return text.toString();
    }

    private static boolean isNull(byte[] bytes, int at) {
        return bytes[at] == (byte) 0xC0
                && at + 1 < bytes.length
                && (bytes[at + 1] == (byte) 0x80 || isFinalLineFeed(bytes, at + 1));
    }

    private static boolean isSurrogatePair(byte[] bytes, int at) {
        return bytes[at] == (byte) 0xED
                && at + 5 < bytes.length
                && (bytes[at + 1] & 0xF0) == 0xA0
                && (bytes[at + 2] & 0xC0) == 0x80
                && bytes[at + 3] == (byte) 0xED
                && (bytes[at + 4] & 0xF0) == 0xB0
                && ((bytes[at + 5] & 0xC0) == 0x80 || isFinalLineFeed(bytes, at + 5));
    }

    /** The reference's expressions end in {@code $}, which also matches before a final line feed and so swallows it. */
    private static boolean isFinalLineFeed(byte[] bytes, int at) {
        return bytes[at] == '\n' && at == bytes.length - 1;
    }

    /** Repairs, each by itself, the stretches that look like misread UTF-8. */
    private static String fixStretches(String text) {
        StringBuilder out = new StringBuilder(text.length());
        int copied = 0;
        for (int i = 0; i < text.length(); ) {
            int end = i > 0 && CONTINUATION_STRICT.contains(text.charAt(i - 1)) ? i : stretchEnd(text, i);
            if (end > i) {
                String stretch = text.substring(i, end);
                if (stretch.length() < text.length() && MojibakeTest.isBad(stretch)) {
                    out.append(text, copied, i).append(fix(stretch));
                    copied = end;
                }
            }
            i = Math.max(end, i + 1);
        }
        return out.append(text, copied, text.length()).toString();
    }

    private static int stretchEnd(String text, int from) {
        int at = from;
        while (true) {
            int length = clueLength(text, at);
            if (length == 0) {
                return at;
            }
            at += length;
        }
    }

    private static int clueLength(String text, int at) {
        if (at >= text.length() || text.charAt(at) < 0x80) {
            return 0;
        }
        char c = text.charAt(at);
        if (FIRST_OF_2.contains(c) && continues(text, at, 1)) {
            return 2;
        }
        if (FIRST_OF_3.contains(c) && continues(text, at, 2)) {
            return 3;
        }
        return FIRST_OF_4.contains(c) && continues(text, at, 3) ? 4 : 0;
    }

    private static boolean continues(String text, int at, int count) {
        if (at + count >= text.length()) {
            return false;
        }
        for (int i = 1; i <= count; i++) {
            if (!CONTINUATION.contains(text.charAt(at + i))) {
                return false;
            }
        }
        return true;
    }

    /** C1 controls replaced by what windows-1252 has in their places. */
    static String replaceC1(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            out.append(c >= 0x80 && c <= 0x9F ? SingleByteEncoding.WINDOWS_1252.character(c) : c);
        }
        return out.toString();
    }
}
