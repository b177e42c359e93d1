package jclip.tools;

import java.io.Console;

/** How much of a piece of work of unknown length is done: one line that is written over, on a terminal only. */
final class Counter implements AutoCloseable {
    private final String what;
    private final boolean shown;

    private Counter(String what, boolean shown) {
        this.what = what;
        this.shown = shown;
    }

    /** Shown if standard output and error go to a person. */
    static Counter onTerminal(String what) {
        Console console = System.console();
        return new Counter(what, console != null && console.isTerminal());
    }

    /** So many are done. */
    void at(int done) {
        if (shown) {
            System.err.print("\r" + done + " " + what + "   ");
        }
    }

    /** Takes the line away. */
    @Override
    public void close() {
        if (shown) {
            System.err.print("\r" + " ".repeat(30) + "\r");
        }
    }
}
