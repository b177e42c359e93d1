package jclip.tools;

import java.util.ArrayList;
import java.util.List;

/** Rows of texts in columns as wide as they need to be; the columns named to be numbers are set to the right. */
final class Table {
    private final List<List<String>> rows = new ArrayList<>();
    private final String alignment;

    /**
     * An empty table.
     *
     * @param alignment a letter a column: {@code l} or {@code r}
     * @param header may be empty
     */
    Table(String alignment, String... header) {
        this.alignment = alignment;
        if (header.length > 0) {
            rows.add(List.of(header));
        }
    }

    void row(String... cells) {
        rows.add(List.of(cells));
    }

    @Override
    public String toString() {
        int[] widths = new int[alignment.length()];
        for (List<String> row : rows) {
            for (int i = 0; i < row.size(); i++) {
                widths[i] = Math.max(widths[i], columns(row.get(i)));
            }
        }
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.size(); i++) {
                String space = " ".repeat(widths[i] - columns(row.get(i)));
                line.append(i == 0 ? "" : "  ");
                line.append(alignment.charAt(i) == 'r' ? space + row.get(i) : row.get(i) + space);
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    private static int columns(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
