package jclip.tools.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Rows of texts.
 *
 * @param title heading
 * @param header names of the columns; may be empty
 * @param rows cells, as many as there are columns
 */
public record Table(String title, List<String> header, List<List<String>> rows) implements Section {
    /** Keeps copies. */
    public Table {
        header = List.copyOf(header);
        rows = rows.stream().map(List::copyOf).toList();
    }

    /** Names and values, such as the settings of a run. */
    public static Table of(String title, Map<String, ?> values) {
        List<List<String>> rows = new ArrayList<>();
        values.forEach((name, value) -> rows.add(List.of(name, String.valueOf(value))));
        return new Table(title, List.of(), rows);
    }

    @Override
    public String html() {
        StringBuilder html = new StringBuilder("<div class=\"wide\"><table>");
        if (!header.isEmpty()) {
            row(html, "th", header);
        }
        rows.forEach(row -> row(html, "td", row));
        return html.append("</table></div>").toString();
    }

    private static void row(StringBuilder html, String tag, List<String> cells) {
        html.append("<tr>");
        for (String cell : cells) {
            html.append('<').append(tag).append('>').append(Html.text(cell));
            html.append("</").append(tag).append('>');
        }
        html.append("</tr>\n");
    }
}
