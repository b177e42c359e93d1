package jclip.data;

import java.io.IOException;
import java.io.PushbackReader;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a table: fields between separators, in double quotes where they hold a separator, a quote (doubled) or a line
 * break (RFC 4180). Not safe for several threads.
 */
final class TableReader implements AutoCloseable {
    private static final int MOST_CHARACTERS = 1 << 20;
    private static final int END = -1;

    private final PushbackReader in;
    private final char separator;
    private long line;

    TableReader(Reader in, char separator) throws IOException {
        this.in = new PushbackReader(in);
        this.separator = separator;
        int first = this.in.read();
        if (first != END && first != '\uFEFF') {
            this.in.unread(first);
        }
    }

    /** The line that the last row began in, counted from 1. */
    long line() {
        return line;
    }

    /**
     * The next row that is not blank, or null.
     *
     * @throws DataException if quotes do not end or a row is longer than any row is
     */
    @Nullable
    List<String> next() throws IOException {
        List<String> row = new ArrayList<>();
        int c = in.read();
        while (c == '\n' || c == '\r') {
            line += c == '\n' ? 1 : 0;
            c = in.read();
        }
        if (c == END) {
            return null;
        }
        line++;
        in.unread(c);
        long breaks = 0;
        int length = 0;
        int end = separator;
        while (end == separator) {
            StringBuilder field = new StringBuilder();
            end = field(field);
            length += field.length() + 1;
            check(length);
            breaks += field.chars().filter(x -> x == '\n').count();
            row.add(field.toString());
        }
        line += breaks;
        return row;
    }

    private void check(int length) {
        if (length > MOST_CHARACTERS) {
            throw new DataException(
                    "line " + line + ": a row of more than " + MOST_CHARACTERS + " characters; is a quote missing?");
        }
    }

    /** Reads a field and returns what ended it. */
    private int field(StringBuilder field) throws IOException {
        int c = in.read();
        if (c == '"') {
            quoted(field);
            c = in.read();
        }
        while (c != separator && c != '\n' && c != '\r' && c != END) {
            field.append((char) c);
            check(field.length());
            c = in.read();
        }
        if (c == '\r') {
            int next = in.read();
            if (next != '\n' && next != END) {
                in.unread(next);
            }
        }
        return c;
    }

    private void quoted(StringBuilder field) throws IOException {
        while (true) {
            int c = in.read();
            if (c == END) {
                throw new DataException("line " + line + ": the quotes do not end");
            }
            if (c == '"') {
                int next = in.read();
                if (next != '"') {
                    if (next != END) {
                        in.unread(next);
                    }
                    return;
                }
            }
            field.append((char) c);
            check(field.length());
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
