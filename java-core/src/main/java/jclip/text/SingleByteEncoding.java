package jclip.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A single-byte encoding whose text is taken for misread UTF-8. Bytes below 80 are ASCII; in the sloppy ones unassigned
 * bytes stand for the code point of the same number and byte 1A for U+FFFD.
 */
final class SingleByteEncoding {
    private static final int SUBSTITUTE = 0x1A;
    private static final int REPLACEMENT = 0xFFFD;

    /** In the order in which they are tried. */
    static final List<SingleByteEncoding> ALL;

    static final SingleByteEncoding LATIN_1;
    static final SingleByteEncoding WINDOWS_1252;
    private static final int[] WINDOWS_1252_STRICT;

    static {
        List<String> lines = Tables.lines("encodings.txt");
        List<SingleByteEncoding> all = new ArrayList<>();
        for (String line : lines.subList(0, lines.size() - 1)) {
            int space = line.indexOf(' ');
            all.add(new SingleByteEncoding(line.substring(0, space), highHalf(line.substring(space + 1))));
        }
        ALL = List.copyOf(all);
        LATIN_1 = ALL.get(0);
        WINDOWS_1252 = ALL.get(1);
        WINDOWS_1252_STRICT = highHalf(Tables.named(lines, "windows-1252-strict"));
    }

    private final String name;
    private final int[] characters;
    /** Characters of the bytes 80..FF in rising order, each in the upper half with its byte in the lower. */
    private final int[] sorted = new int[128];

    private static int[] highHalf(String codePoints) {
        String[] parts = codePoints.split(" ");
        int[] characters = new int[parts.length];
        for (int i = 0; i < parts.length; i++) {
            characters[i] = parts[i].equals("-") ? -1 : Integer.parseInt(parts[i], 16);
        }
        return characters;
    }

    private SingleByteEncoding(String name, int[] characters) {
        this.name = name;
        this.characters = characters;
        for (int i = 0; i < sorted.length; i++) {
            sorted[i] = characters[i] << 8 | (0x80 + i);
        }
        Arrays.sort(sorted);
    }

    String name() {
        return name;
    }

    boolean isSloppy() {
        return name.startsWith("sloppy");
    }

    /** The character of a byte from 80 to FF. */
    char character(int high) {
        return (char) characters[high - 0x80];
    }

    /** The bytes of a text, or null where a character has none. */
    byte @Nullable [] encode(String text) {
        byte[] bytes = new byte[text.length()];
        for (int i = 0; i < bytes.length; i++) {
            int value = value(text.charAt(i));
            if (value < 0) {
                return null;
            }
            bytes[i] = (byte) value;
        }
        return bytes;
    }

    private int value(char c) {
        if (c < 0x80) {
            return c == SUBSTITUTE && isSloppy() ? -1 : c;
        }
        if (c == REPLACEMENT && isSloppy()) {
            return SUBSTITUTE;
        }
        int at = -Arrays.binarySearch(sorted, c << 8) - 1;
        return at < sorted.length && sorted[at] >> 8 == c ? sorted[at] & 0xFF : -1;
    }

    /** Bytes read as windows-1252, or null where one is unassigned. */
    static @Nullable String decodeWindows1252(byte[] bytes) {
        StringBuilder text = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            int c = b >= 0 ? b : WINDOWS_1252_STRICT[b & 0x7F];
            if (c < 0) {
                return null;
            }
            text.append((char) c);
        }
        return text.toString();
    }
}
