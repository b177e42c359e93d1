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

/**
 * {@link ContrastiveLossBenchmark}'s softmax loss, forward and backward, with matrices of all pairs, from the library's other operators. It
 * multiplies less (6 N² D: nothing is computed twice) and holds three matrices.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
public class MatrixLossBenchmark {
    @Param({"1024", "4096", "8192"})
    public int rows;

    @Param({"512"})
    public int width;

    @Param({"avx2", "avx512"})
    public String isa = "";

    @Param({"1", "2"})
    public int threads;

    private Context context;
    private MatrixLoss loss;

    @Setup(Level.Trial)
    public void open() {
        context = new Context(Library.cpu(), Isa.of(isa), threads);
        loss = new MatrixLoss(context, rows, width, threads);
    }

    @TearDown(Level.Trial)
    public void close() {
        loss.close();
        context.close();
    }

    @Benchmark
    public double run() {
        return loss.run();
    }
}
