package jclip.tools;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What all commands share: help, {@code --json}, and where results and complaints go. */
@Command(mixinStandardHelpOptions = true, versionProvider = Main.Version.class, sortOptions = false)
abstract class JclipCommand implements Callable<Integer> {
    static final int OK = 0;
    static final int FAILED = 1;
    private static final int LONGEST = 60;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--json", description = "One JSON object a line instead of a table.")
    boolean json;

    CommandSpec spec() {
        if (spec == null) {
            throw new IllegalStateException("not run from a command line");
        }
        return spec;
    }

    PrintWriter out() {
        return spec().commandLine().getOut();
    }

    PrintWriter err() {
        return spec().commandLine().getErr();
    }

    /** Wrong usage: exit code 2. */
    ParameterException wrong(String message) {
        return new ParameterException(spec().commandLine(), message);
    }

    /** A complaint about one input among others. */
    void complain(String input, String error) {
        String name = input.length() > LONGEST ? input.substring(0, LONGEST) + "..." : input;
        err().println(error.contains(input) ? error : name + ": " + error);
        err().flush();
    }

    void printJson(Object value) {
        out().println(JsonLine.of(value));
        out().flush();
    }
}
