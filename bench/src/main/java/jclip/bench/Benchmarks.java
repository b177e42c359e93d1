package jclip.bench;

import java.util.Arrays;
import java.util.stream.IntStream;
import jclip.backend.Isa;
import jclip.backend.Library;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/** Runs JMH with its usual options, {@link CeilingProfiler} added, and what this machine lacks left out. */
public final class Benchmarks {
    private Benchmarks() {}

    public static void main(String[] args) throws CommandLineOptionException, RunnerException {
        CommandLineOptions given = new CommandLineOptions(args);
        ChainedOptionsBuilder options = new OptionsBuilder().parent(given).addProfiler(CeilingProfiler.class);
        if (!given.getParameter("isa").hasValue()) {
            Isa best = Library.cpu().bestIsa();
            options.param(
                    "isa",
                    Arrays.stream(Isa.values())
                            .filter(isa -> isa.compareTo(best) <= 0)
                            .map(Isa::toString)
                            .toArray(String[]::new));
        }
        if (!given.getParameter("threads").hasValue()) {
            options.param(
                    "threads",
                    IntStream.of(1, 2)
                            .filter(n -> n <= Runtime.getRuntime().availableProcessors())
                            .mapToObj(Integer::toString)
                            .toArray(String[]::new));
        }
        new Runner(options.jvmArgsAppend("--enable-native-access=ALL-UNNAMED").build()).run();
    }
}
