package jclip.tools;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import jclip.data.Defect;
import jclip.data.Survey;
import jclip.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "check",
        description = "Reads every sample of a set: counts, sizes, formats, what is broken and why, captions, near"
                + " duplicates. Exit code 1 if a shard is damaged or holds nothing that can be used.",
        footer = {"", "Example: jclip data check flickr8k-train"})
final class DataCheckCommand extends JclipCommand {
    @Parameters(paramLabel = "SHARDS", arity = "1..*", description = "Sets, as jclip data --help says.")
    private List<String> names = List.of();

    @Option(names = "--vocab", paramLabel = "FILE|FOLDER", description = "Counts tokens. Default: the standard one.")
    private @Nullable Path vocab;

    @Option(names = "--threads", paramLabel = "N", description = "Threads that decode. Default: all processors.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Override
    public Integer call() {
        if (threads < 1) {
            throw wrong("Invalid value for option '--threads': " + threads + "; wanted at least 1");
        }
        Tokenizer tokenizer = vocab == null ? Tokenizer.standard() : Tokenizer.open(vocab);
        Survey survey;
        try (Counter counter = Counter.onTerminal("samples")) {
            survey = Survey.of(names, tokenizer, threads, counter::at);
        }
        if (json) {
            printJson(line(survey));
        } else {
            print(survey);
        }
        return survey.isUsable() ? OK : FAILED;
    }

    private static Map<String, Object> line(Survey survey) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("samples", survey.samples());
        line.put("labelled", survey.labelled());
        line.put("classes", survey.classes());
        line.put("broken", counts(survey.broken()));
        line.put("shards", survey.parts().stream().map(DataCheckCommand::part).toList());
        line.put("formats", new TreeMap<>(survey.formats()));
        line.put("picture_bytes", range(survey.bytes()));
        line.put("width", range(survey.widths()));
        line.put("height", range(survey.heights()));
        line.put("captions", captions(survey.captions()));
        line.put("near_duplicates", survey.nearDuplicates());
        line.put(
                "first_near_duplicates",
                survey.firstNearDuplicates().stream()
                        .map(pair -> Map.of(
                                "picture", pair.picture(), "earlier", pair.earlier(), "distance", pair.distance()))
                        .toList());
        line.put(
                "first_broken",
                survey.firstBroken().stream()
                        .map(broken -> Map.of(
                                "sample", broken.sample(),
                                "reason", broken.defect().toString(),
                                "detail", broken.detail()))
                        .toList());
        return line;
    }

    private static Map<String, Object> part(Survey.Part part) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("name", part.name());
        line.put("bytes", part.bytes());
        line.put("samples", part.samples());
        line.put("broken", counts(part.broken()));
        if (part.damage() != null) {
            line.put("damage", part.damage());
        }
        return line;
    }

    static Map<String, Object> counts(Map<Defect, Long> broken) {
        Map<String, Object> line = new LinkedHashMap<>();
        broken.forEach((defect, count) -> line.put(defect.toString(), count));
        return line;
    }

    private static Map<String, Object> range(Survey.Range range) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("min", range.least());
        line.put("mean", range.mean());
        line.put("max", range.most());
        return line;
    }

    private static Map<String, Object> captions(Survey.Captions captions) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("count", captions.count());
        line.put("distinct", captions.distinct());
        line.put("empty", captions.empty());
        line.put("per_sample", range(captions.eachSample()));
        line.put("words", range(captions.words()));
        line.put("tokens", range(captions.tokens()));
        line.put("longer_than_77", captions.cut());
        return line;
    }

    private void print(Survey survey) {
        Table parts = new Table("lrrl", "shard", "bytes", "samples", "broken");
        for (Survey.Part part : survey.parts()) {
            String broken = part.broken().isEmpty() ? "" : part.broken().toString();
            String damage = part.damage() == null ? "" : " " + part.damage();
            parts.row(part.name(), "" + part.bytes(), "" + part.samples(), (broken + damage).strip());
        }
        out().print(parts);
        out().println();
        Survey.Captions captions = survey.captions();
        Table table = new Table("ll");
        table.row("samples", survey.samples() + " sound, broken " + survey.broken());
        table.row("labels", survey.labelled() + " in " + survey.classes() + " classes");
        table.row("formats", new TreeMap<>(survey.formats()).toString());
        table.row("bytes", words(survey.bytes()));
        table.row("width", words(survey.widths()));
        table.row("height", words(survey.heights()));
        table.row(
                "captions",
                captions.count() + ", " + captions.distinct() + " different, " + captions.empty() + " empty, a sample "
                        + words(captions.eachSample()));
        table.row("words", words(captions.words()));
        table.row("tokens", words(captions.tokens()) + ", " + captions.cut() + " captions have more than 77");
        table.row("near duplicates", "" + survey.nearDuplicates());
        out().print(table);
        survey.firstNearDuplicates().forEach(pair -> out().println(
                        "  " + pair.picture() + " ~ " + pair.earlier() + " (" + pair.distance() + " bits)"));
        survey.firstBroken()
                .forEach(broken -> complain(
                        broken.sample(), broken.defect() + (broken.detail().isEmpty() ? "" : ": " + broken.detail())));
        out().flush();
    }

    private static String words(Survey.Range range) {
        return String.format(Locale.ROOT, "%d to %d, mean %.1f", range.least(), range.most(), range.mean());
    }
}
