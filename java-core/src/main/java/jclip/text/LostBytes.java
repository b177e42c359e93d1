package jclip.text;

import java.io.ByteArrayOutputStream;

/** Bytes of UTF-8 sequences that were lost on the way: A0 that became a space, others that became 1A. */
final class LostBytes {
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
        boolean surrogates =
                (at(bytes, i + 1) & ~0x0F) == 0xA0 && at(bytes, i + 3) == 0xED && (at(bytes, i + 4) & ~0x0F) == 0xB0;
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
