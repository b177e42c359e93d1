package jclip.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jclip.backend.Library;
import org.jspecify.annotations.Nullable;

/**
 * Guards the hot paths: {@code Guard RESULTS [--record]}. Every case's share of the ceiling and its ratio to the plain version, measured
 * in this run, must not lie more than a fifth below the stored values of this machine kind; {@code --record} stores them. What fell is
 * measured twice more before it counts. Writes what it found to {@code guard-last.md} beside them. Exit status 1 where something
 * fell, 2 where nothing is stored for this kind.
 */
public final class Guard {
    /** At most this often is a case measured before it counts as fallen. */
    private static final int ATTEMPTS = 3;

    private static final int ROUNDS = 9;

    /** Of a size that stays in a core's own caches: what shares a cache with strangers swings by more than a fifth by itself. */
    static final List<String> LINES = List.of(
            "gemm rows=50 n=2304 k=768",
            "gemm rows=50 n=768 k=768",
            "gemm rows=50 n=3072 k=768 activation=2",
            "gemm rows=50 n=768 k=3072",
            "gemm rows=77 n=2048 k=512",
            "gemm rows=197 n=768 k=768",
            "gemm rows=257 n=1024 k=1024",
            "conv2d size=224 channels=3 out=32 kernel=3 stride=2 nchw=1",
            "conv2d size=56 channels=64 out=64 kernel=3",
            "conv2d size=14 channels=256 out=256 kernel=3",
            "conv2d size=56 channels=64 out=256 kernel=1",
            "conv2d size=14 channels=1024 out=256 kernel=1",
            "patch_embed size=224 patch=32 width=768",
            "patch_embed size=224 patch=16 width=768",
            "attention tokens=50 heads=12",
            "attention tokens=77 heads=8 causal=1",
            "attention tokens=197 heads=12",
            "attention tokens=257 heads=16",
            "attention tokens=77 heads=8 causal=1 packed=1 sequences=8",
            "layer_norm rows=50 width=768",
            "layer_norm rows=50 width=768 residual=1",
            "layer_norm rows=197 width=768 residual=1",
            "resample from=512 to=224");

    private final Rounds rounds;
    private final Map<String, GuardFile.Stored> stored;
    private final PrintStream out;
    private final List<Measurement> found = new ArrayList<>();
    private final List<String> fallen = new ArrayList<>();
    private final StringBuilder table = new StringBuilder();

    private Guard(Rounds rounds, Map<String, GuardFile.Stored> stored, PrintStream out) {
        this.rounds = rounds;
        this.stored = stored;
        this.out = out;
    }

    public static void main(String[] args) throws IOException {
        boolean record = args.length == 2 && args[1].equals("--record");
        if (args.length == 0 || args.length > 1 && !record) {
            System.err.println("usage: Guard RESULTS [--record]");
            System.exit(2);
        }
        Library library = Library.cpu();
        Machine machine = Machine.here(library.bestIsa());
        Path folder = Path.of(args[0], machine.kind());
        Path file = folder.resolve("guard.json");
        if (!record && !Files.exists(file)) {
            System.err.println("guard: nothing is stored for this machine kind, " + machine.kind()
                    + "; store it: bench/guard --record");
            System.exit(2);
        }
        Guard guard = new Guard(new Rounds(library, ROUNDS), record ? Map.of() : GuardFile.read(file), System.out);
        LINES.forEach(guard::check);
        Map<String, String> head = Report.head(machine, "bench/guard" + (record ? " --record" : ""));
        if (record) {
            GuardFile.write(file, head, guard.found);
        }
        Files.writeString(folder.resolve("guard-last.md"), guard.report(head));
        if (!guard.fallen.isEmpty()) {
            System.err.println("guard: fell by more than a fifth: " + String.join("; ", guard.fallen));
            System.exit(1);
        }
        System.out.println("guard: " + guard.found.size()
                + (record ? " stored in " + file : " measured, none fell by more than a fifth"));
    }

    private void check(String line) {
        for (Measurement measured : rounds.measure(Line.parse(line))) {
            Measurement best = measured;
            for (int i = 1; i < ATTEMPTS && hasFallen(best, stored.get(best.key())); i++) {
                best = better(best, again(best));
            }
            found.add(best);
            GuardFile.Stored before = stored.get(best.key());
            if (hasFallen(best, before)) {
                fallen.add(best.key());
            }
            row(best, before);
        }
    }

    private Measurement again(Measurement first) {
        return rounds.measure(Line.parse(first.line())).stream()
                .filter(m -> m.isa() == first.isa())
                .findFirst()
                .orElseThrow();
    }

    /** Ratio by ratio: a disturbance lowers a ratio of neighbours, seldom raises it. */
    private static Measurement better(Measurement a, Measurement b) {
        return new Measurement(
                a.line(),
                a.isa(),
                a.share().median() >= b.share().median() ? a.share() : b.share(),
                a.plain().median() >= b.plain().median() ? a.plain() : b.plain());
    }

    static boolean hasFallen(Measurement now, GuardFile.@Nullable Stored before) {
        return before != null
                && (now.share().fellFrom(before.share()) || now.plain().fellFrom(before.plain()));
    }

    private void row(Measurement m, GuardFile.@Nullable Stored before) {
        String row = String.format(
                Locale.ROOT,
                "| %-62s | %-6s | %5.1f %% [%.1f, %.1f] | %s | %6.1f [%.1f, %.1f] | %s |",
                m.line(),
                m.isa(),
                100 * m.share().median(),
                100 * m.share().low(),
                100 * m.share().high(),
                before == null ? "-" : String.format(Locale.ROOT, "%.1f %%", 100 * before.share()),
                m.plain().median(),
                m.plain().low(),
                m.plain().high(),
                before == null ? "-" : String.format(Locale.ROOT, "%.1f", before.plain()));
        out.println(row);
        table.append(row).append('\n');
    }

    private String report(Map<String, String> head) {
        StringBuilder text = new StringBuilder("# Last run of the guard\n\n");
        head.forEach((name, value) ->
                text.append("- ").append(name).append(": ").append(value).append('\n'));
        text.append("- result: ")
                .append(fallen.isEmpty() ? "nothing fell by more than a fifth" : "FELL: " + fallen)
                .append("\n\n");
        text.append("One thread, by its own clock. Ceiling: multiply-adds of the same vectors, or (layer_norm,"
                + " resample) a copy of\n"
                + "as many bytes."
                + " Median and"
                + " quartiles"
                + " of " + ROUNDS + " interleaved rounds.\n\n");
        text.append("| case | isa | share of ceiling | stored | times the plain version | stored |\n"
                + "|---|---|---|---|---|---|\n");
        return text.append(table).toString();
    }
}
