package jclip.tools;

import java.util.Locale;
import java.util.OptionalLong;
import jclip.backend.Isa;
import jclip.backend.Library;
import org.jspecify.annotations.Nullable;

/**
 * An operator's speed against what the machine reaches at best.
 *
 * @param unit {@code gflops} or {@code gigabytes_per_second}
 * @param rate operations or bytes a second
 * @param share of the ceiling, or null where the call itself takes longer than its work
 * @param ceiling in words
 */
record Share(String unit, double rate, @Nullable Double share, String ceiling) {
    /** Fewer bytes are moved in less time than a call takes. */
    private static final long LEAST_BYTES = 32 << 10;

    /** Fewer operations are done in less time than a call takes. */
    private static final long LEAST_FLOPS = 200_000;

    static Share of(OperatorLine line, Replay replay, double seconds, Library library, int threads) {
        Isa isa = line.isa() == Isa.REF ? library.bestIsa() : line.isa();
        OptionalLong flops = OperatorCost.flops(line);
        if (flops.isPresent()) {
            double ceiling = Ceiling.flops(library, isa, threads);
            double rate = flops.getAsLong() / seconds;
            return new Share(
                    "gflops",
                    rate,
                    flops.getAsLong() < LEAST_FLOPS ? null : rate / ceiling,
                    words("%.1f GFLOP/s, the fastest of three products that stay in the caches", ceiling));
        }
        long bytes = OperatorCost.bytes(line, replay.bytes());
        double ceiling = Ceiling.bytes(library, isa, threads, bytes);
        double rate = bytes / seconds;
        return new Share(
                "gigabytes_per_second",
                rate,
                bytes < LEAST_BYTES ? null : rate / ceiling,
                words("%.1f GB/s, a copy of as many bytes", ceiling));
    }

    private static String words(String format, double ceiling) {
        return String.format(Locale.ROOT, format, ceiling / 1e9);
    }
}
