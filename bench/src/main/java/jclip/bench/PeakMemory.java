package jclip.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * {@code PeakMemory RESULTS}: the most memory resident in a process with a heap of 64 MB that loads a memory-mapped ViT-B/32 and embeds
 * pictures one by one. Fails above fp32 weights + 400 MB.
 */
public final class PeakMemory {
    private static final int PICTURES = 40;
    private static final double ALLOWANCE = 400e6;

    private PeakMemory() {}

    public static void main(String[] args) throws IOException {
        try (FormulaFolder folder = new FormulaFolder("ViT-B-32")) {
            double peak = 1024.0
                    * Child.run(List.of("-Xmx64m"), folder.path(), PICTURES).peakKibibytes();
            double limit = folder.weightBytes() + ALLOWANCE;
            String body = String.format(
                    Locale.ROOT,
                    "%d pictures one by one, -Xmx64m, safetensors fp32.%n%n"
                            + "| VmHWM | fp32 weights | above the weights | limit |%n|---|---|---|---|%n"
                            + "| %.0f MB | %.0f MB | %.0f MB | weights + 400 MB = %.0f MB |%n",
                    PICTURES,
                    peak * 1e-6,
                    folder.weightBytes() * 1e-6,
                    (peak - folder.weightBytes()) * 1e-6,
                    limit * 1e-6);
            Report.write(
                    Path.of(args[0]), "peak-memory.md", "Peak resident memory of ViT-B/32", "bench/peak-memory", body);
            if (peak > limit) {
                System.err.println("peak-memory: above the limit");
                System.exit(1);
            }
        }
    }
}
