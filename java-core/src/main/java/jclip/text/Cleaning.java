package jclip.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is done to a text before it is split, named as in open_clip. All variants begin with the text repair, HTML
 * unescape twice and white space stripped at both ends.
 */
public enum Cleaning {
    /** White space runs become one space, then full Unicode lower case: OpenAI's own way. */
    LOWER,
    /** White space runs become one space; letters keep their case. */
    WHITESPACE,
    /** {@code _} becomes a space, ASCII punctuation goes, lower case, white space runs become one space. */
    CANONICALIZE;

    /** In a {@link #plain} table: the text needs the whole path. */
    private static final byte STOP = -1;
    /** In a {@link #plain} table: the character goes. */
    private static final byte GONE = 0;

    /** What becomes of an ASCII character in a text that no repair can touch. */
    private final byte[] plain = new byte[128];

    Cleaning() {
        Arrays.fill(plain, 0, ' ', STOP);
        plain['\t'] = plain['\n'] = plain['\f'] = plain['\r'] = ' ';
        boolean canonicalize = name().equals("CANONICALIZE");
        boolean lower = !name().equals("WHITESPACE");
        for (char c = ' '; c < 0x7F; c++) {
            boolean capital = c >= 'A' && c <= 'Z';
            boolean gone = canonicalize && isPunctuation(c);
            plain[c] = gone ? GONE : (byte) (lower && capital ? c + 32 : c);
        }
        plain['_'] = canonicalize ? (byte) ' ' : (byte) '_';
        plain[0x7F] = STOP;
        plain['&'] = STOP;
    }

    private static boolean isPunctuation(char c) {
        return c > ' ' && c < 0x7F && !(c >= '0' && c <= '9') && !((c | 32) >= 'a' && (c | 32) <= 'z');
    }

    /** The cleaned text. */
    String clean(String text) {
        String basic = strip(unescapeTwice(TextRepair.fix(text)));
        return switch (this) {
            case LOWER -> LowerCase.of(joinSpaces(basic));
            case WHITESPACE -> joinSpaces(basic);
            case CANONICALIZE -> joinSpaces(LowerCase.of(withoutPunctuation(basic)));
        };
    }

    /** The cleaned text in UTF-8, except that white space runs may still be as they were. */
    byte[] cleanUtf8(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        byte[] quick = cleanPlain(text, bytes);
        return quick != null ? quick : clean(text).getBytes(StandardCharsets.UTF_8);
    }

    /** The text of ASCII characters that no repair touches, cleaned in place as far as length allows; or null. */
    private byte @Nullable [] cleanPlain(String text, byte[] bytes) {
        int kept = 0;
        for (int i = 0; i < bytes.length; i++) {
            byte b = bytes[i];
            // A lone surrogate has become a question mark on the way to bytes.
            boolean stop = b < 0 || (b == '?' && text.charAt(i) != '?');
            int becomes = stop ? STOP : plain[b];
            if (becomes <= GONE) {
                if (becomes == STOP) {
                    return null;
                }
                continue;
            }
            bytes[kept++] = (byte) becomes;
        }
        return kept == bytes.length ? bytes : Arrays.copyOf(bytes, kept);
    }

    private static String strip(String text) {
        int from = 0;
        int to = text.length();
        while (from < to && isSpace(text.charAt(from))) {
            from++;
        }
        while (to > from && isSpace(text.charAt(to - 1))) {
            to--;
        }
        return text.substring(from, to);
    }

    private static String joinSpaces(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean gap = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (isSpace(c)) {
                gap = !out.isEmpty();
            } else {
                if (gap) {
                    out.append(' ');
                    gap = false;
                }
                out.append(c);
            }
        }
        return out.toString();
    }

    private static boolean isSpace(char c) {
        return c < 0x80
                ? c == ' ' || (c >= 0x1C && c < ' ') || (c >= '\t' && c <= '\r')
                : CodePointClasses.isPythonSpace(c);
    }

    private static String withoutPunctuation(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i) == '_' ? ' ' : text.charAt(i);
            if (!isPunctuation(c)) {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static String unescapeTwice(String text) {
        return text.indexOf('&') < 0 ? text : HtmlEntities.unescape(HtmlEntities.unescape(text));
    }
}
