package jclip.tools;

import java.io.Console;
import java.util.Locale;

/** How far a long piece of work is: one line that is written over, on a terminal only. */
final class Progress implements AutoCloseable {
    private static final int BAR = 24;

    private final String what;
    private final int total;
    private final boolean shown;
    private final long start = System.nanoTime();
    private int longest;

    private Progress(String what, int total, boolean shown) {
        this.what = what;
        this.total = total;
        this.shown = shown;
    }

    /** Shown if standard output and error go to a person. */
    static Progress onTerminal(String what, int total) {
        Console console = System.console();
        return new Progress(what, total, total > 1 && console != null && console.isTerminal());
    }

    /** So many are done. */
    void at(int done) {
        show(done, "");
    }

    /** So many are done, with a bar, and something to say about it. */
    void at(int done, String note) {
        int filled = done * BAR / total;
        show(done, "[" + "#".repeat(filled) + ".".repeat(BAR - filled) + "]  " + note + "  ");
    }

    private void show(int done, String note) {
        if (shown) {
            double left = (System.nanoTime() - start) / 1e9 / done * (total - done);
            String line = String.format(Locale.ROOT, "%s%d of %d %s, %.0f s left", note, done, total, what, left);
            System.err.print("\r" + line + " ".repeat(Math.max(0, longest - line.length())));
            longest = Math.max(longest, line.length());
        }
    }

    /** Takes the line away. */
    @Override
    public void close() {
        if (shown) {
            System.err.print("\r" + " ".repeat(longest) + "\r");
        }
    }
}
