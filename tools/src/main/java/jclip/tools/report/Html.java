package jclip.tools.report;

import java.util.Locale;

/** Text for HTML. */
final class Html {
    private Html() {}

    /** Safe between tags and inside quoted attributes. */
    static String text(String text) {
        StringBuilder safe = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(point -> {
            switch (point) {
                case '&' -> safe.append("&amp;");
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '"' -> safe.append("&quot;");
                case '\'' -> safe.append("&#39;");
                default -> safe.appendCodePoint(point >= ' ' || point == '\n' || point == '\t' ? point : 0xfffd);
            }
        });
        return safe.toString();
    }

    static String format(String form, Object... values) {
        return String.format(Locale.ROOT, form, values);
    }
}
