package jclip.text;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Repairs a text as {@code ftfy.fix_text} of ftfy 6.3.1 does with its default settings: entities, mojibake, C1
 * controls, ligatures, width, quotes, line breaks, surrogates, terminal escapes, control characters, NFC.
 */
final class TextRepair {
    private static final int LONGEST_SEGMENT = 1_000_000;
    private static final char ESCAPE = 0x1B;
    /** Below it all characters are assigned and none is changed by NFC. */
    private static final char FIRST_COMBINING = 0x300;

    private TextRepair() {}

    static String fix(String text) {
        if (isPlain(text)) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        boolean entities = true;
        for (int from = 0; from < text.length(); ) {
            int end = segmentEnd(text, from);
            String segment = text.substring(from, end);
            entities &= segment.indexOf('<') < 0;
            out.append(fixSegment(segment, entities));
            from = end;
        }
        return out.toString();
    }

    /** Whether no step can change anything: printable ASCII, tab, line feed and form feed, and no ampersand. */
    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean plain = c >= ' ' ? c < 0x7F && c != '&' : c == '\t' || c == '\n' || c == '\f';
            if (!plain) {
                return false;
            }
        }
        return true;
    }

    /** Behind the next line feed, but at most a million code points on. */
    private static int segmentEnd(String text, int from) {
        int lineFeed = text.indexOf('\n', from);
        int end = lineFeed < 0 ? text.length() : lineFeed + 1;
        boolean tooLong = end - from > LONGEST_SEGMENT && text.codePointCount(from, end) > LONGEST_SEGMENT;
        return tooLong ? text.offsetByCodePoints(from, LONGEST_SEGMENT) : end;
    }

    private static String fixSegment(String text, boolean entities) {
        String before;
        do {
            before = text;
            text = entities && text.indexOf('&') >= 0 ? HtmlEntities.unescapeStrict(text) : text;
            text = isAscii(text) ? text : EncodingRepair.fix(text);
            text = replaceCharacters(text);
            text = replaceSurrogates(text);
            text = removeTerminalEscapes(text);
            text = removeControls(text);
            text = compose(text);
        } while (!text.equals(before));
        return text;
    }

    private static boolean isAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                return false;
            }
        }
        return true;
    }

    private static String replaceCharacters(String text) {
        int i = 0;
        while (i < text.length() && text.charAt(i) != '\r' && Replacements.of(text.charAt(i)) == null) {
            i++;
        }
        if (i == text.length()) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length() + 8).append(text, 0, i);
        for (; i < text.length(); i++) {
            char c = text.charAt(i);
            String replacement = Replacements.of(c);
            if (replacement != null) {
                out.append(replacement);
            } else if (c != '\r') {
                out.append(c);
            } else if (i + 1 == text.length() || text.charAt(i + 1) != '\n') {
                out.append('\n');
            }
        }
        return out.toString();
    }

    private static String replaceSurrogates(String text) {
        StringBuilder out = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else {
                out = out == null ? new StringBuilder(text) : out;
                out.setCharAt(i, '\uFFFD');
            }
        }
        return out == null ? text : out.toString();
    }

    /** Takes out ESC [, decimal digits and semicolons, and a letter. */
    private static String removeTerminalEscapes(String text) {
        int escape = text.indexOf(ESCAPE);
        if (escape < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        int copied = 0;
        while (escape >= 0) {
            int end = escapeEnd(text, escape);
            if (end > 0) {
                out.append(text, copied, escape);
                copied = end;
            }
            escape = text.indexOf(ESCAPE, Math.max(end, escape + 1));
        }
        return out.append(text, copied, text.length()).toString();
    }

    private static int escapeEnd(String text, int from) {
        int at = from + 1;
        if (at == text.length() || text.charAt(at++) != '[') {
            return -1;
        }
        while (at < text.length() && (text.charAt(at) == ';' || isDecimalDigit(text.codePointAt(at)))) {
            at += Character.charCount(text.codePointAt(at));
        }
        boolean letter = at < text.length()
                && text.charAt(at) < 0x80
                && (text.charAt(at) | 32) >= 'a'
                && (text.charAt(at) | 32) <= 'z';
        return letter ? at + 1 : -1;
    }

    private static boolean isDecimalDigit(int codePoint) {
        return Character.isDigit(codePoint) && !CodePointClasses.isUnassigned(codePoint);
    }

    /** NFC as of Unicode 14: what that does not know stands still and parts what is on its two sides. */
    static String compose(String text) {
        int unknown = unassigned(text, 0);
        if (unknown == text.length()) {
            return composeKnown(text);
        }
        StringBuilder out = new StringBuilder(text.length());
        int from = 0;
        while (unknown < text.length()) {
            int next = unknown + Character.charCount(text.codePointAt(unknown));
            out.append(composeKnown(text.substring(from, unknown))).append(text, unknown, next);
            from = next;
            unknown = unassigned(text, next);
        }
        return out.append(composeKnown(text.substring(from))).toString();
    }

    private static String composeKnown(String text) {
        return Normalizer.isNormalized(text, Normalizer.Form.NFC)
                ? text
                : Normalizer.normalize(text, Normalizer.Form.NFC);
    }

    /** The first character at or after {@code from} that Unicode 14 does not know, or the length. */
    private static int unassigned(String text, int from) {
        for (int i = from; i < text.length(); ) {
            char c = text.charAt(i);
            int codePoint = c < FIRST_COMBINING ? c : text.codePointAt(i);
            if (codePoint >= FIRST_COMBINING && CodePointClasses.isUnassigned(codePoint)) {
                return i;
            }
            i += Character.charCount(codePoint);
        }
        return text.length();
    }

    private static String removeControls(String text) {
        StringBuilder out = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (isControl(c)) {
                out = out == null ? new StringBuilder(text.length()).append(text, 0, i) : out;
            } else if (out != null) {
                out.append(c);
            }
        }
        return out == null ? text : out.toString();
    }

    /** Whether the character is taken out; decided here and not by a table, so that ASCII text needs none. */
    static boolean isControl(char c) {
        if (c < 0x80) {
            return c < ' ' ? c != '\t' && c != '\n' && c != '\f' && c != '\r' : c == 0x7F;
        }
        return (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
    }

    /** What C1 controls, ligatures, full- and half-width forms, curly quotes and line separators become. */
    private static final class Replacements {
        /** By character: an index into {@link #TEXTS}, 0 for a character that stays. */
        private static final short[] INDEX = new short[0x10000];

        private static final List<String> TEXTS = new ArrayList<>(List.of(""));

        static {
            List<String> lines = Tables.lines("replacements.txt");
            Map<Character, String> ligatures = read(lines, "ligatures");
            Map<Character, String> width = read(lines, "width");
            Map<Character, String> plain = new HashMap<>();
            quotes(lines, "single-quotes", "'", plain);
            quotes(lines, "double-quotes", "\"", plain);
            plain.put('\u2028', "\n");
            plain.put('\u2029', "\n");
            plain.put('\u0085', "\n");
            for (char c = 0x80; c <= 0x9F; c++) {
                add(c, translate(translate(EncodingRepair.replaceC1(String.valueOf(c)), width), plain));
            }
            ligatures.forEach((c, text) -> add(c, translate(translate(text, width), plain)));
            width.forEach((c, text) -> add(c, translate(text, plain)));
            plain.forEach(Replacements::add);
        }

        private Replacements() {}

        private static void add(char c, String text) {
            if (INDEX[c] == 0 && !text.equals(String.valueOf(c))) {
                int used = TEXTS.size();
                INDEX[c] = (short) used;
                TEXTS.add(text);
            }
        }

        static @Nullable String of(char c) {
            return INDEX[c] == 0 ? null : TEXTS.get(INDEX[c]);
        }

        private static Map<Character, String> read(List<String> lines, String section) {
            Map<Character, String> map = new HashMap<>();
            for (String line : Tables.section(lines, section)) {
                int space = line.indexOf(' ');
                map.put((char) Integer.parseInt(line, 0, space, 16), Tables.characters(line.substring(space + 1)));
            }
            return map;
        }

        private static void quotes(
                List<String> lines, String section, String quote, Map<Character, String> replacements) {
            CodePointSet.parse(Tables.section(lines, section).getFirst())
                    .forEach(codePoint -> replacements.put((char) codePoint, quote));
        }

        private static String translate(String text, Map<Character, String> replacements) {
            StringBuilder out = new StringBuilder();
            for (int i = 0; i < text.length(); i++) {
                out.append(replacements.getOrDefault(text.charAt(i), String.valueOf(text.charAt(i))));
            }
            return out.toString();
        }
    }
}
