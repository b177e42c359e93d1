package jclip.tools;

import java.io.Console;
import java.util.Locale;

/** How far a long piece of work is: one line that is written over, on a terminal only. */
final class Progress implements AutoCloseable {
    private final String what;
    private final int total;
    private final boolean shown;
    private final long start = System.nanoTime();

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
        if (shown) {
            double seconds = (System.nanoTime() - start) / 1e9;
            System.err.printf(
                    Locale.ROOT, "\r%d of %d %s, %.0f s left   ", done, total, what, seconds / done * (total - done));
        }
    }

    /** Takes the line away. */
    @Override
    public void close() {
        if (shown) {
            System.err.print("\r" + " ".repeat(50) + "\r");
        }
    }
}
