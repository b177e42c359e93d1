package jclip.tools;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import jclip.data.Dataset;
import jclip.data.Defect;
import jclip.data.PackedShards;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "pack",
        description = "Writes a set as a folder of WebDataset shards; the same set gives the same bytes. Samples whose"
                + " pictures cannot be decoded are left out and counted.",
        footer = {"", "Example: jclip data pack photos.csv photos --samples 10000"})
final class DataPackCommand extends JclipCommand {
    @Parameters(index = "0", paramLabel = "IN", description = "A set, as jclip data --help says.")
    private String input = "";

    @Parameters(index = "1", paramLabel = "OUT", description = "A folder that does not exist yet, or is empty.")
    private Path output = Path.of("");

    @Option(names = "--samples", paramLabel = "N", description = "Samples of a shard at most. Default: 10000.")
    private int samples = 10_000;

    @Option(
            names = "--bytes",
            paramLabel = "N",
            description = "Bytes of pictures and captions of a shard at most. Default: 1000000000.")
    private long bytes = 1_000_000_000;

    @Option(names = "--picture-column", paramLabel = "NAME", description = "Of a table; default: the usual names.")
    private @Nullable String pictureColumn;

    @Option(names = "--caption-column", paramLabel = "NAME", description = "Of a table; default: the usual names.")
    private @Nullable String captionColumn;

    @Override
    public Integer call() {
        if (samples < 1 || bytes < 1) {
            throw wrong("--samples and --bytes must be at least 1");
        }
        PackedShards packed;
        Map<Defect, Long> skipped;
        boolean table = pictureColumn != null || captionColumn != null;
        try (Dataset set = table ? Dataset.table(Path.of(input), pictureColumn, captionColumn) : Dataset.open(input);
                Progress progress = Progress.onTerminal("samples", set.size())) {
            skipped = set.drops();
            packed = PackedShards.write(set, output, samples, bytes, progress::at);
        }
        print(packed, skipped);
        return packed.drops().isEmpty() && skipped.isEmpty() ? OK : FAILED;
    }

    private void print(PackedShards packed, Map<Defect, Long> skipped) {
        Map<Defect, Long> broken = new EnumMap<>(Defect.class);
        broken.putAll(skipped);
        packed.drops().forEach((defect, count) -> broken.merge(defect, count, Long::sum));
        if (json) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("output", packed.folder().toString());
            line.put("shards", packed.shards());
            line.put("samples", packed.samples());
            line.put("bytes", packed.bytes());
            line.put("broken", DataCheckCommand.counts(broken));
            printJson(line);
        } else {
            out().println(packed.folder() + "  " + packed.samples() + " samples in " + packed.shards() + " shards, "
                    + packed.bytes() + " bytes" + (broken.isEmpty() ? "" : ", left out " + broken));
            out().flush();
        }
    }
}
