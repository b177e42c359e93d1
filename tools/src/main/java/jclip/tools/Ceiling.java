package jclip.tools;

import java.lang.foreign.MemorySegment;
import jclip.backend.Call;
import jclip.backend.Context;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.backend.NativeMemory;

/**
 * What this machine reaches at best, measured now with the library itself: the fastest of several matrix products whose operands stay in
 * the caches, and a copy of as many bytes. The first is a little below the true limit of the multipliers; {@code bench/} measures that.
 */
final class Ceiling {
    private static final long[][] SHAPES = {{192, 512, 256}, {384, 768, 512}, {768, 768, 768}};
    private static final long NANOS = 80_000_000;

    private Ceiling() {}

    /** Floating point operations a second of the fastest product. */
    static double flops(Library library, Isa isa, int threads) {
        double best = 0;
        for (long[] shape : SHAPES) {
            best = Math.max(best, product(library, isa, threads, shape[0], shape[1], shape[2]));
        }
        return best;
    }

    private static double product(Library library, Isa isa, int threads, long rows, long n, long k) {
        try (Context context = new Context(library, isa, threads);
                NativeMemory a = NativeMemory.allocate(rows * k * Float.BYTES);
                NativeMemory y = NativeMemory.allocate(rows * n * Float.BYTES);
                NativeMemory w = NativeMemory.allocate(n * k * Float.BYTES);
                NativeMemory packed = NativeMemory.allocate(library.packedGemmBytes(context, n, k));
                Call pack = new Call(context, "gemm_pack");
                Call gemm = new Call(context, "gemm")) {
            NormalNumbers.fill(a.segment(), 1);
            NormalNumbers.fill(w.segment(), 2);
            pack.set("w", w.segment())
                    .set("packed", packed.segment())
                    .set("n", n)
                    .set("k", k)
                    .set("stride_n", k)
                    .set("stride_k", 1L)
                    .run();
            gemm.set("a", a.segment())
                    .set("packed", packed.segment())
                    .set("y", y.segment())
                    .set("rows", rows)
                    .set("n", n)
                    .set("k", k)
                    .set("lda", k)
                    .set("ldy", n)
                    .set("ld_residual", n);
            try (NativeMemory workspace = NativeMemory.allocate(gemm.workspaceBytes())) {
                gemm.set("workspace", workspace.segment()).set("workspace_bytes", gemm.workspaceBytes());
                return 2.0 * rows * n * k / fastest(gemm);
            }
        }
    }

    /** Bytes read and written a second when as many are copied. */
    static double bytes(Library library, Isa isa, int threads, long bytes) {
        long width = 64;
        long rows = Math.max(1, bytes / 2 / Float.BYTES / width);
        try (Context context = new Context(library, isa, threads);
                NativeMemory x = NativeMemory.allocate(rows * width * Float.BYTES);
                NativeMemory y = NativeMemory.allocate(rows * width * Float.BYTES);
                Call copy = new Call(context, "gather_rows")) {
            x.segment().fill((byte) 1);
            copy.set("x", x.segment())
                    .set("index", MemorySegment.NULL)
                    .set("y", y.segment())
                    .set("rows", rows)
                    .set("source_rows", rows)
                    .set("width", width)
                    .set("step", 1L);
            return 2.0 * rows * width * Float.BYTES / fastest(copy);
        }
    }

    /** Seconds of the fastest call. */
    private static double fastest(Call call) {
        long best = Long.MAX_VALUE;
        long end = System.nanoTime() + NANOS;
        for (int i = 0; i < 3 || System.nanoTime() < end; i++) {
            long start = System.nanoTime();
            call.run();
            best = Math.min(best, System.nanoTime() - start);
        }
        return Math.max(1, best) / 1e9;
    }
}
