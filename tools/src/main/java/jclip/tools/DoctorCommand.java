package jclip.tools;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import jclip.tools.fixtures.FixtureCase;
import jclip.tools.fixtures.FixtureResult;
import jclip.tools.fixtures.FixtureRun;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "doctor",
        description = {
            "Looks at the machine, the libraries in use and whether this build gives the reference's numbers;",
            "with --fixtures runs every case of a folder by its kind."
        },
        footer = {"", "Examples: jclip doctor", "          jclip doctor --fixtures ../shared/fixtures --json"})
final class DoctorCommand extends JclipCommand {
    @Option(names = "--fixtures", paramLabel = "DIR", description = "Run every folder with a case.json, at any depth.")
    private @Nullable Path fixtures;

    @Option(
            names = "--full",
            description = "Also full-size models beyond ViT-B/32 and RN50: up to 10 GB of memory, many minutes.")
    private boolean full;

    private final Map<String, int[]> counts = new TreeMap<>();

    @Override
    public Integer call() {
        return fixtures == null ? examine() : run(fixtures);
    }

    private int examine() {
        Examination examination = Examination.run();
        if (json) {
            printJson(examination.facts());
        } else {
            Table table = new Table("ll");
            examination
                    .facts()
                    .forEach((key, value) -> table.row(
                            key,
                            value instanceof String text
                                    ? text
                                    : JsonLine.of(value).replace("\"", "").replace(",", ", ")));
            out().print(table);
        }
        return examination.pass() ? OK : FAILED;
    }

    private int run(Path root) {
        if (!Files.isDirectory(root)) {
            throw wrong("Invalid value for option '--fixtures': " + root + " is no folder");
        }
        List<Path> folders = FixtureCase.find(root);
        if (folders.isEmpty()) {
            err().println("no case.json under " + root + ": nothing was run");
            return FAILED;
        }
        FixtureRun run = new FixtureRun(full || Boolean.getBoolean("jclip.full"));
        for (Path folder : folders) {
            print(result(run, folder));
        }
        if (!json) {
            summary();
        }
        return counts.values().stream().anyMatch(count -> count[1] > 0) ? FAILED : OK;
    }

    private static FixtureResult result(FixtureRun run, Path folder) {
        FixtureCase fixture;
        try {
            fixture = FixtureCase.read(folder);
        } catch (IllegalArgumentException e) {
            return new FixtureResult(String.valueOf(folder.getFileName()), "?", null, null, false, Main.message(e));
        }
        return run.run(fixture);
    }

    private void print(FixtureResult result) {
        Boolean pass = result.pass();
        counts.computeIfAbsent(result.kind(), kind -> new int[3])[pass == null ? 2 : pass ? 0 : 1]++;
        if (json) {
            Map<String, @Nullable Object> line = new LinkedHashMap<>();
            line.put("case", result.name());
            line.put("kind", result.kind());
            line.put("error", result.error());
            line.put("tolerance", result.tolerance());
            line.put("pass", pass);
            line.put("why", result.why());
            printJson(line);
        } else {
            Double error = result.error();
            out().printf(
                            Locale.ROOT,
                            "%-4s %-44s %-11s %-18s %s%n",
                            pass == null ? "skip" : pass ? "ok" : "FAIL",
                            result.name(),
                            result.kind(),
                            error == null ? "" : String.format(Locale.ROOT, "%.1e <= %.0e", error, result.tolerance()),
                            result.why().lines().findFirst().orElse(""));
            out().flush();
        }
    }

    private void summary() {
        Table table = new Table("lrrr", "kind", "passed", "failed", "skipped");
        counts.forEach((kind, count) ->
                table.row(kind, Integer.toString(count[0]), Integer.toString(count[1]), Integer.toString(count[2])));
        out().println();
        out().print(table);
    }
}
