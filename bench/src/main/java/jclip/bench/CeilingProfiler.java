package jclip.bench;

import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.List;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.backend.NativeMemory;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/**
 * Adds to every iteration the share of the machine's ceiling, in percent, measured before and after it in the same process: multiply-adds
 * for products, copying as many bytes of memory for the rest. Benchmarks without such a ceiling get none.
 */
public final class CeilingProfiler implements InternalProfiler {
    private double before;

    @Override
    public String getDescription() {
        return "share of the machine's measured ceiling";
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        Amount amount = amount(benchmark);
        if (amount != null) {
            before = ceiling(benchmark, amount);
        }
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(
            BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
        Amount amount = amount(benchmark);
        if (amount == null) {
            return List.of();
        }
        double seconds =
                result.getPrimaryResult().getScore() * benchmark.getTimeUnit().toNanos(1) * 1e-9;
        double ceiling = Math.max(before, ceiling(benchmark, amount));
        double rate = (amount.isCopy() ? amount.bytes() : amount.flops()) / seconds;
        return List.of(
                new ScalarResult(
                        "ceiling", ceiling * 1e-9, amount.isCopy() ? "GB/s" : "GFLOP/s", AggregationPolicy.AVG),
                new ScalarResult("share", 100 * rate / ceiling, "%", AggregationPolicy.AVG));
    }

    private static @Nullable Amount amount(BenchmarkParams benchmark) {
        Collection<String> names = benchmark.getParamsKeys();
        if (names.contains("line")) {
            return Case.of(Line.parse(benchmark.getParam("line"))).amount();
        }
        return names.contains("tower")
                ? new Tower(benchmark.getParam("tower")).amount(Integer.parseInt(benchmark.getParam("batch")))
                : null;
    }

    private static double ceiling(BenchmarkParams benchmark, Amount amount) {
        Library library = Library.cpu();
        boolean forced = benchmark.getParamsKeys().contains("isa");
        Isa isa = forced ? Isa.of(benchmark.getParam("isa")) : library.isa();
        Ceiling ceiling = new Ceiling(isa, library.bestIsa(), Integer.parseInt(benchmark.getParam("threads")));
        if (!amount.isCopy()) {
            return ceiling.flops();
        }
        long half = (long) amount.bytes() / 2;
        try (NativeMemory memory = NativeMemory.allocate(2 * half + 128 * 64)) {
            MemorySegment segment = memory.segment();
            ceiling.copiedBytes(segment, segment.asSlice(half + 64 * 64), half); // the first touch of the pages
            return ceiling.copiedBytes(segment, segment.asSlice(half + 64 * 64), half);
        }
    }
}
