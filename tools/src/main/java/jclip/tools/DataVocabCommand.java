package jclip.tools;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jclip.data.Dataset;
import jclip.text.LearnedVocabulary;
import jclip.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "vocab",
        description =
                "Learns a byte-pair vocabulary of CLIP's kind from the captions (and prompts) of sets, for a small"
                        + " model. The same captions give the same file.",
        footer = {"", "Example: jclip data vocab --size 4096 flickr8k-train --output bpe_small.txt.gz"})
final class DataVocabCommand extends JclipCommand {
    @Parameters(paramLabel = "SHARDS", arity = "1..*", description = "Sets, as jclip data --help says.")
    private List<String> names = List.of();

    @Option(
            names = "--size",
            required = true,
            paramLabel = "N",
            description = "Ids in all: 512 byte symbols, N - 514 merges, start and end token.")
    private int size;

    @Option(
            names = "--output",
            required = true,
            paramLabel = "F",
            description = "File that --vocab takes: text, or gzip where it ends in .gz.")
    private Path output = Path.of("");

    @Override
    public Integer call() {
        Path folder = output.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw wrong("--output " + output + ": there is no folder " + folder);
        }
        if (size < LearnedVocabulary.SMALLEST || size > LearnedVocabulary.LARGEST) {
            throw wrong("Invalid value for option '--size': " + size + "; wanted " + LearnedVocabulary.SMALLEST + " to "
                    + LearnedVocabulary.LARGEST);
        }
        List<String> captions = captions();
        LearnedVocabulary vocabulary = LearnedVocabulary.of(captions, size);
        vocabulary.write(output);
        Tokenizer tokenizer = Tokenizer.open(output);
        long tokens = captions.stream()
                .mapToLong(caption -> tokenizer.encode(caption).length)
                .sum();
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("output", output.toString());
        line.put("size", tokenizer.vocabularySize());
        line.put("captions", captions.size());
        line.put("tokens_per_caption", (double) tokens / captions.size());
        if (json) {
            printJson(line);
        } else {
            out().println(output + "  " + size + " ids from " + captions.size() + " captions, "
                    + String.format(Locale.ROOT, "%.1f", (double) tokens / captions.size())
                    + " tokens a caption");
            out().flush();
        }
        return OK;
    }

    private List<String> captions() {
        List<String> captions = new ArrayList<>();
        try (Dataset set = Dataset.open(names.toArray(String[]::new))) {
            for (int i = 0; i < set.size(); i++) {
                for (int k = 0; k < set.captionCount(i); k++) {
                    captions.add(set.caption(i, k));
                }
            }
        }
        if (captions.isEmpty()) {
            throw new IllegalArgumentException(names + ": no captions; sets of labels need classes.txt beside them");
        }
        return captions;
    }
}
