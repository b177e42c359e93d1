package jclip.bench;

import java.util.Locale;
import jclip.backend.Context;
import jclip.backend.Library;

/**
 * {@code LossMemory [ROWS]}: the most memory resident in this process (VmHWM) after the contrastive loss of ROWS (32,768) pairs of width 512
 * and its gradient. Fails above 600 MB.
 */
public final class LossMemory {
    private static final long WIDTH = 512;
    private static final double LIMIT = 600e6;

    private LossMemory() {}

    public static void main(String[] args) {
        long rows = args.length > 0 ? Long.parseLong(args[0]) : 32768;
        Library library = Library.cpu();
        try (Context context = new Context(library, library.isa(), 0);
                Work work = new ContrastiveLossCase(rows, WIDTH, 0, true).open(context)) {
            long start = System.nanoTime();
            work.run();
            double seconds = 1e-9 * (System.nanoTime() - start);
            double peak = 1024.0 * Resident.peakKibibytes();
            double given = 4.0 * 4 * rows * WIDTH;
            System.out.printf(
                    Locale.ROOT,
                    "%d pairs: %.1f s, %.0f MB resident at most, of which features and gradients %.0f MB%n",
                    rows,
                    seconds,
                    peak * 1e-6,
                    given * 1e-6);
            if (peak > LIMIT) {
                System.err.println("LossMemory: above 600 MB");
                System.exit(1);
            }
        }
    }
}
