package jclip.text;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * HTML character references, in two ways: as Python's {@code html.unescape} (the lax rules of the HTML standard) and as
 * ftfy decodes them (only with a semicolon, and some all-capitals names).
 */
final class HtmlEntities {
    private static final int LONGEST_NAME = 32;
    private static final int LONGEST_STRICT_NAME = 24;

    private static final Map<String, String> HTML = new HashMap<>(8192);
    private static final Map<String, String> UPPER = new HashMap<>(4096);
    private static final Map<Integer, String> INVALID_REFERENCES = new HashMap<>();
    private static final CodePointSet INVALID_CODE_POINTS;

    static {
        List<String> lines = Tables.lines("entities.txt");
        read(lines, "html", HTML);
        read(lines, "upper", UPPER);
        for (String line : Tables.section(lines, "invalid-references")) {
            int space = line.indexOf(' ');
            INVALID_REFERENCES.put(Integer.parseInt(line, 0, space, 16), Tables.characters(line.substring(space + 1)));
        }
        INVALID_CODE_POINTS =
                CodePointSet.parse(Tables.section(lines, "invalid-code-points").getFirst());
    }

    private HtmlEntities() {}

    private static void read(List<String> lines, String section, Map<String, String> names) {
        for (String line : Tables.section(lines, section)) {
            int space = line.indexOf(' ');
            names.put(line.substring(0, space), Tables.characters(line.substring(space + 1)));
        }
    }

    /** One pass of {@code html.unescape}; what it puts in is not looked at again. */
    static String unescape(String text) {
        int ampersand = text.indexOf('&');
        if (ampersand < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        int copied = 0;
        while (ampersand >= 0) {
            int end = referenceEnd(text, ampersand + 1);
            int next = ampersand + 1;
            if (end > 0) {
                out.append(text, copied, ampersand).append(expand(text.substring(ampersand + 1, end)));
                copied = end;
                next = end;
            }
            ampersand = text.indexOf('&', next);
        }
        return out.append(text, copied, text.length()).toString();
    }

    /** Where the reference that begins behind an ampersand ends, or -1 where there is none. */
    private static int referenceEnd(String text, int from) {
        int end = from;
        if (from < text.length() && text.charAt(from) == '#') {
            boolean hex = from + 1 < text.length() && (text.charAt(from + 1) | 32) == 'x';
            int digits = from + (hex ? 2 : 1);
            end = digits;
            while (end < text.length() && isDigit(text.charAt(end), hex)) {
                end++;
            }
            if (end == digits) {
                return -1;
            }
        } else {
            for (int count = 0; count < LONGEST_NAME && end < text.length(); count++) {
                if ("\t\n\f <&#;".indexOf(text.charAt(end)) >= 0) {
                    break;
                }
                end += Character.charCount(text.codePointAt(end));
            }
            if (end == from) {
                return -1;
            }
        }
        return end < text.length() && text.charAt(end) == ';' ? end + 1 : end;
    }

    private static boolean isDigit(char c, boolean hex) {
        return (c >= '0' && c <= '9') || (hex && (c | 32) >= 'a' && (c | 32) <= 'f');
    }

    private static String expand(String reference) {
        if (reference.charAt(0) == '#') {
            return number(reference);
        }
        String known = HTML.get(reference);
        for (int end = reference.length() - 1; known == null && end > 1; end--) {
            String replacement = HTML.get(reference.substring(0, end));
            known = replacement == null ? null : replacement + reference.substring(end);
        }
        return known == null ? '&' + reference : known;
    }

    private static String number(String reference) {
        boolean hex = (reference.charAt(1) | 32) == 'x';
        int codePoint = 0;
        for (int i = hex ? 2 : 1; i < reference.length() && reference.charAt(i) != ';'; i++) {
            int digit = Character.digit(reference.charAt(i), 16);
            codePoint = Math.min(codePoint * (hex ? 16 : 10) + digit, Character.MAX_CODE_POINT + 1);
        }
        String invalid = INVALID_REFERENCES.get(codePoint);
        if (invalid != null) {
            return invalid;
        }
        if (codePoint > Character.MAX_CODE_POINT || (codePoint >= 0xD800 && codePoint <= 0xDFFF)) {
            return "\uFFFD";
        }
        return INVALID_CODE_POINTS.contains(codePoint) ? "" : Character.toString(codePoint);
    }

    /** What ftfy decodes: {@code &name;} and {@code &#n;} with at most 24 letters or digits. */
    static String unescapeStrict(String text) {
        int ampersand = text.indexOf('&');
        if (ampersand < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        int copied = 0;
        while (ampersand >= 0) {
            int end = strictEnd(text, ampersand + 1);
            String replacement = end < 0 ? null : strict(text.substring(ampersand, end));
            if (replacement != null) {
                out.append(text, copied, ampersand).append(replacement);
                copied = end;
            }
            ampersand = text.indexOf('&', end < 0 ? ampersand + 1 : end);
        }
        return out.append(text, copied, text.length()).toString();
    }

    private static int strictEnd(String text, int from) {
        int start = from < text.length() && text.charAt(from) == '#' ? from + 1 : from;
        int end = start;
        while (end < text.length() && end - start <= LONGEST_STRICT_NAME && isAlphanumeric(text.charAt(end))) {
            end++;
        }
        int count = end - start;
        boolean whole = end < text.length() && text.charAt(end) == ';';
        return whole && count >= 1 && count <= LONGEST_STRICT_NAME ? end + 1 : -1;
    }

    private static boolean isAlphanumeric(char c) {
        return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z' && c < 0x80);
    }

    private static @Nullable String strict(String reference) {
        if (reference.charAt(1) != '#') {
            String name = reference.substring(1);
            String known = HTML.get(name);
            return known != null ? known : UPPER.get(name);
        }
        String unescaped = unescape(reference);
        return unescaped.indexOf(';') >= 0 ? null : unescaped;
    }
}
