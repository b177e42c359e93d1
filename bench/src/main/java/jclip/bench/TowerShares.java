package jclip.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import jclip.backend.Isa;
import jclip.backend.Library;

/**
 * {@code TowerShares RESULTS}: whole towers on one thread as shares of the multiply-adds' ceiling, measured in turns with it by the thread's
 * own clock, so that a busy machine disturbs less than in {@link TowerBenchmark}.
 */
public final class TowerShares {
    private static final int ROUNDS = 9;

    private TowerShares() {}

    public static void main(String[] args) throws IOException {
        StringBuilder text = new StringBuilder("One thread, by its own clock; median and quartiles of " + ROUNDS
                + " rounds. Texts of 77 tokens.\n\n"
                + "| tower | batch | isa | ms | share of ceiling |\n"
                + "|---|---|---|---|---|\n");
        for (String tower : List.of("ViT-B-32/image", "ViT-B-32/text", "RN50/image")) {
            for (int batch : new int[] {1, 8, 32}) {
                text.append(row(new Tower(tower), batch));
            }
        }
        Report.write(Path.of(args[0]), "towers.md", "Towers as shares of the ceiling", "bench/towers", text.toString());
    }

    private static String row(Tower tower, int batch) {
        Library library = Library.cpu();
        Isa isa = library.isa();
        Ceiling ceiling = new Ceiling(isa, library.bestIsa(), 1);
        double flops = tower.amount(batch).flops();
        double[] seconds = new double[ROUNDS];
        double[] shares = new double[ROUNDS];
        try (LoadedTower loaded = new LoadedTower(tower, batch, 1)) {
            loaded.encode();
            for (int round = 0; round < ROUNDS; round++) {
                double before = ceiling.flops();
                long start = ceiling.now();
                loaded.encode();
                seconds[round] = 1e-9 * (ceiling.now() - start);
                shares[round] = flops / seconds[round] / Math.max(before, ceiling.flops());
            }
        }
        Ratio time = Ratio.of(seconds);
        Ratio share = Ratio.of(shares);
        return String.format(
                Locale.ROOT,
                "| %s | %d | %s | %.1f [%.1f, %.1f] | %.1f %% [%.1f, %.1f] |%n",
                tower.name(),
                batch,
                isa,
                1e3 * time.median(),
                1e3 * time.low(),
                1e3 * time.high(),
                100 * share.median(),
                100 * share.low(),
                100 * share.high());
    }
}
