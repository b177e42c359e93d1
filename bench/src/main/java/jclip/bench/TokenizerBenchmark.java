package jclip.bench;

import java.util.concurrent.TimeUnit;
import jclip.text.Overflow;
import jclip.text.Tokenizer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Texts to token rows of 77, with the standard vocabulary. No ceiling: the work is neither arithmetic nor copying. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
public class TokenizerBenchmark {
    @Param({
        "a photo of a dog",
        "Two red-brick houses &amp; an old bicycle, leaning against the fence in the late afternoon's light (1987)",
        "\u732b\u304c\u7a93\u8fba\u3067\u5bdd\u3066\u3044\u308b, un ch\u00e2teau pr\u00e8s de la rivi\u00e8re"
                + " \ud83c\udff0"
    })
    public String text = "";

    private final Tokenizer tokenizer = Tokenizer.standard();

    @Benchmark
    public int[] encode() {
        return tokenizer.encode(text, 77, Overflow.TRUNCATE);
    }
}
