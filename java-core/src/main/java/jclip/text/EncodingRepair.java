package jclip.text;

import java.io.ByteArrayOutputStream;
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

    /** Bytes of UTF-8 sequences that were lost on the way: A0 that became a space, others that became 1A. */
    private static final class LostBytes {
        private static final String[] NOT_A_WORD = {" ", "quele", "quela", "quilo", "s "};

        private LostBytes() {}

        static byte[] restoreA0(byte[] bytes) {
            byte[] words = separateAGrave(bytes);
            byte[] out = words.clone();
            for (int i = 0; i < words.length; ) {
                int length = alteredLength(words, i);
                for (int k = i; k < i + length; k++) {
                    out[k] = words[k] == ' ' ? (byte) 0xA0 : words[k];
                }
                i += Math.max(1, length);
            }
            return out;
        }

        /** C3 and a space become "à" and a space, unless another space or one of a few endings follows. */
        private static byte[] separateAGrave(byte[] bytes) {
            ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + 8);
            for (int i = 0; i < bytes.length; i++) {
                out.write(bytes[i]);
                if (bytes[i] == (byte) 0xC3 && at(bytes, i + 1) == ' ' && !isWordGoingOn(bytes, i + 2)) {
                    out.write(0xA0);
                }
            }
            return out.toByteArray();
        }

        private static boolean isWordGoingOn(byte[] bytes, int from) {
            for (String ending : NOT_A_WORD) {
                int i = 0;
                while (i < ending.length() && at(bytes, from + i) == ending.charAt(i)) {
                    i++;
                }
                if (i == ending.length()) {
                    return true;
                }
            }
            return false;
        }

        private static int at(byte[] bytes, int index) {
            return index < bytes.length ? bytes[index] & 0xFF : -1;
        }

        private static boolean isContinuation(int b) {
            return b >= 0x80 && b <= 0xBF;
        }

        /** The length of what would be a likely UTF-8 sequence if its space were A0, or 0. */
        private static int alteredLength(byte[] bytes, int i) {
            int a = at(bytes, i);
            if (a < 0xC2) {
                return 0;
            }
            int b = at(bytes, i + 1);
            if (b == ' ' && (a == 0xC2 || a == 0xC3 || a == 0xC5 || a == 0xCE || a == 0xD0 || a == 0xD9)) {
                return 2;
            }
            int c = at(bytes, i + 2);
            if (a >= 0xE0 && a <= 0xE3) {
                boolean early = a >= 0xE2 && b == ' ' && isUsual(c);
                return early || (isUsual(b) && c == ' ') ? 3 : 0;
            }
            int d = at(bytes, i + 3);
            boolean one = (b == ' ' && isContinuation(c) && isContinuation(d))
                    || (isContinuation(b) && c == ' ' && isContinuation(d))
                    || (isContinuation(b) && isContinuation(c) && d == ' ');
            return a == 0xF0 && one ? 4 : 0;
        }

        private static boolean isUsual(int b) {
            return isContinuation(b) && b != 0x85 && b != 0xA0;
        }

        static byte[] replaceLossy(byte[] bytes) {
            ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + 8);
            for (int i = 0; i < bytes.length; ) {
                int length = lossyLength(bytes, i);
                if (length == 0) {
                    out.write(bytes[i++]);
                } else {
                    out.write(0xEF);
                    out.write(0xBF);
                    out.write(0xBD);
                    i += length;
                }
            }
            return out.toByteArray();
        }

        /** The length of a UTF-8 sequence that lost a byte, or 0. */
        private static int lossyLength(byte[] bytes, int i) {
            int a = at(bytes, i);
            int b = at(bytes, i + 1);
            if (a == 0x1A) {
                return 1;
            }
            if ((a >= 0xC2 && a <= 0xDF && b == 0x1A) || ((a == 0xC2 || a == 0xC3) && b == '?')) {
                return 2;
            }
            if (a == 0xED && isLossyPair(bytes, i)) {
                return 6;
            }
            int c = at(bytes, i + 2);
            if (a >= 0xE0 && a <= 0xEF) {
                return (isLost(b) && isKept(c)) || (isKept(b) && isLost(c)) ? 3 : 0;
            }
            int d = at(bytes, i + 3);
            boolean one = (isLost(b) && isKept(c) && isKept(d))
                    || (isKept(b) && isLost(c) && isKept(d))
                    || (isKept(b) && isKept(c) && isLost(d));
            return a >= 0xF0 && a <= 0xF4 && one ? 4 : 0;
        }

        private static boolean isLossyPair(byte[] bytes, int i) {
            int c = at(bytes, i + 2);
            int f = at(bytes, i + 5);
            boolean surrogates = (at(bytes, i + 1) & ~0x0F) == 0xA0
                    && at(bytes, i + 3) == 0xED
                    && (at(bytes, i + 4) & ~0x0F) == 0xB0;
            boolean first = isLost(c) && (isLost(f) || isContinuation(f));
            boolean second = (isLost(c) || isContinuation(c)) && isLost(f);
            return surrogates && (first || second);
        }

        private static boolean isLost(int b) {
            return b == 0x1A || b == '?';
        }

        private static boolean isKept(int b) {
            return b == 0x1A || isContinuation(b);
        }
    }
}
