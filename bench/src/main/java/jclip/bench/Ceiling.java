package jclip.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import jclip.backend.Isa;

/**
 * What the machine can do at most, measured now: independent multiply-adds in registers, and copies of memory, both by an instruction
 * set's widest vectors. The plain version is held against the best instruction set. Of one thread the thread's own time counts, so that
 * other programs disturb little; of several the wall clock. Safe for many threads.
 */
@SuppressWarnings("restricted")
final class Ceiling {
    private static final long SAMPLE_NANOS = 500_000;
    private static final long LINE = 32;
    private static final int SAMPLES = 100;

    private final long isa;
    private final int threads;
    private final long own;
    private final long flopsPerRound;
    private final MethodHandle now;
    private final MethodHandle fma;
    private final MethodHandle copy;

    /**
     * The ceilings of an instruction set.
     *
     * @param isa whose vectors; REF stands for {@code best}
     * @param threads at once, 1 to 64
     */
    Ceiling(Isa isa, Isa best, int threads) {
        this.isa = (isa == Isa.REF ? best : isa) == Isa.AVX512 ? 2 : 1;
        this.threads = threads;
        this.own = threads == 1 ? 1 : 0;
        SymbolLookup symbols = SymbolLookup.libraryLookup(unpacked(), Arena.global());
        ValueLayout.OfLong n = ValueLayout.JAVA_LONG;
        this.now = handle(symbols, "bench_now", n);
        this.fma = handle(symbols, "bench_fma", n, n, n, n);
        this.copy = handle(symbols, "bench_copy", n, ValueLayout.ADDRESS, ValueLayout.ADDRESS, n, n, n, n);
        this.flopsPerRound = call(handle(symbols, "bench_fma_flops", n), this.isa);
    }

    private static MethodHandle handle(SymbolLookup symbols, String name, ValueLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(symbols.findOrThrow(name), FunctionDescriptor.of(ValueLayout.JAVA_LONG, arguments));
    }

    private static long call(MethodHandle handle, Object... arguments) {
        try {
            return (long) handle.invokeWithArguments(Arrays.asList(arguments));
        } catch (Throwable t) {
            throw new IllegalStateException("libbench.so", t);
        }
    }

    private static Path unpacked() {
        try (InputStream in = Ceiling.class.getResourceAsStream("libbench.so")) {
            if (in == null) {
                throw new IllegalStateException(
                        "libbench.so is not on the class path; build it: mvn package -pl bench -am");
            }
            Path file = Files.createTempFile("jclip-bench", ".so");
            file.toFile().deleteOnExit();
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The clock that goes with these ceilings, in nanoseconds. */
    long now() {
        try {
            return (long) now.invokeExact(own);
        } catch (Throwable t) {
            throw new IllegalStateException("libbench.so", t);
        }
    }

    /** Floating-point operations a second of all threads together; a multiply-add is two. Takes about a millisecond. */
    double flops() {
        long rounds = 20_000;
        long nanos = fma(rounds);
        while (nanos < SAMPLE_NANOS) {
            rounds *= 2;
            nanos = fma(rounds);
        }
        // Of several threads at once the best counts: where one of them had to wait for a processor, it is no ceiling.
        for (int i = 1; threads > 1 && i < SAMPLES; i++) {
            nanos = Math.min(nanos, fma(rounds));
        }
        return 1e9 * flopsPerRound * rounds * threads / nanos;
    }

    private long fma(long rounds) {
        return positive(call(fma, isa, rounds, (long) threads, own));
    }

    /**
     * Bytes read and written a second of all threads together, copying memory to itself again and again: where the bytes fit into a
     * cache, that cache's.
     *
     * @param from,to whose first {@code bytes} are copied, rounded down to whole vectors
     */
    double copiedBytes(MemorySegment from, MemorySegment to, long bytes) {
        long step = LINE * threads;
        long floats = Math.max(step, bytes / Float.BYTES / step * step);
        long rounds = Math.max(1, 4_000_000 / (floats * Float.BYTES));
        long nanos = positive(call(copy, isa, from, to, floats, rounds, (long) threads, own));
        return 1e9 * 2 * Float.BYTES * floats * rounds / nanos;
    }

    private long positive(long nanos) {
        if (nanos <= 0) {
            throw new IllegalStateException(
                    threads + " threads could not be started to measure the machine's ceilings");
        }
        return nanos;
    }
}
