package jclip.bench;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import jclip.backend.NativeMemory;
import jclip.image.Picture;
import jclip.image.Preprocessor;
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
 * A JPEG to the encoder's input of 224 x 224: decoding alone, resizing and normalising alone, and both. No ceiling is given for decoding;
 * that of resizing is {@link ResampleBenchmark}'s.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
public class PreprocessBenchmark {
    @Param({"640x480", "1920x1280"})
    public String size = "";

    private byte[] jpeg = {};
    private Picture picture;
    private Preprocessor preprocessor;
    private NativeMemory tensor;

    @Setup(Level.Trial)
    public void open() {
        int by = size.indexOf('x');
        jpeg = Photo.jpeg(Integer.parseInt(size.substring(0, by)), Integer.parseInt(size.substring(by + 1)));
        picture = Picture.read(jpeg, "bench");
        preprocessor = Preprocessor.openai(224);
        tensor = NativeMemory.allocate(preprocessor.tensorBytes());
    }

    @TearDown(Level.Trial)
    public void close() {
        tensor.close();
    }

    @Benchmark
    public Picture decode() {
        return Picture.read(jpeg, "bench");
    }

    @Benchmark
    public MemorySegment resizeNormalise() {
        preprocessor.toTensor(picture, tensor.segment());
        return tensor.segment();
    }

    @Benchmark
    public MemorySegment all() {
        preprocessor.toTensor(Picture.read(jpeg, "bench"), tensor.segment());
        return tensor.segment();
    }
}
