package jclip.bench;

import java.util.concurrent.TimeUnit;
import jclip.backend.Context;
import jclip.backend.Isa;
import jclip.backend.Library;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One operator on ready memory; the cases are its subclasses'. {@link CeilingProfiler} adds the share of the ceiling. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
public abstract class OperatorBenchmark {
    /** Instruction set; those that the machine lacks are left out by {@link Benchmarks}. */
    @Param({"ref", "avx2", "avx512"})
    public String isa = "";

    /** Cap on the threads of the call. */
    @Param({"1", "2"})
    public int threads;

    private Context context;
    private Work work;

    /** The case, in words. */
    abstract String line();

    @Setup(Level.Trial)
    public void open() {
        context = new Context(Library.cpu(), Isa.of(isa), threads);
        work = Case.of(Line.parse(line())).open(context);
    }

    @TearDown(Level.Trial)
    public void close() {
        work.close();
        context.close();
    }

    @Benchmark
    public void run() {
        work.run();
    }
}
