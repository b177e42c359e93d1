package jclip.tools;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import jclip.Clip;
import jclip.ZeroShotClassifier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "classify",
        description = "Zero-shot classification: which label describes a picture best.",
        footer = {"", "Example: jclip classify --model ViT-B-32 --labels cat,dog --templates templates.txt photo.jpg"})
final class ClassifyCommand extends JclipCommand {
    private static final int SHOWN = 5;

    @Mixin
    private ModelOptions options = new ModelOptions();

    @ArgGroup(multiplicity = "1")
    private Labels labels = new Labels();

    static final class Labels {
        @Option(names = "--labels", paramLabel = "A,B,C", description = "Labels, separated by commas.")
        private @Nullable String list;

        @Option(names = "--labels-file", paramLabel = "F", description = "Labels, one a line.")
        private @Nullable Path file;

        List<String> read() throws IOException {
            return list != null
                    ? Stream.of(list.split(",", -1)).map(String::strip).toList()
                    : file == null ? List.of() : TextLines.read(file);
        }
    }

    @Option(
            names = "--templates",
            paramLabel = "F",
            description = "Prompts, one a line, {} stands for the label. Default: {}.")
    private @Nullable Path templates;

    @Parameters(paramLabel = "IMAGE", arity = "1..*", description = "Picture files.")
    private List<String> images = List.of();

    private boolean failed;

    @Override
    public Integer call() throws IOException {
        List<String> names = labels.read();
        List<String> prompts = templates == null ? List.of(ZeroShotClassifier.BARE) : TextLines.read(templates);
        check(names, prompts);
        try (Clip clip = options.open()) {
            ZeroShotClassifier classifier = ZeroShotClassifier.of(clip, names, prompts);
            new PictureEmbedder(clip, true).embed(images, result -> print(classifier, result));
        }
        return failed ? FAILED : OK;
    }

    private void check(List<String> names, List<String> prompts) {
        if (names.isEmpty() || names.contains("")) {
            throw wrong(names.isEmpty() ? "no labels" : "an empty label");
        }
        Set<String> seen = new HashSet<>();
        for (String name : names) {
            if (!seen.add(name)) {
                throw wrong("the label '" + name + "' is repeated");
            }
        }
        if (prompts.isEmpty()) {
            throw wrong("no templates in " + templates);
        }
        for (String prompt : prompts) {
            if (!prompt.contains(ZeroShotClassifier.BARE)) {
                throw wrong("the template '" + prompt + "' has no {} for the label");
            }
        }
    }

    private void print(ZeroShotClassifier classifier, PictureEmbedder.Result result) {
        float[] embedding = result.embedding();
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("input", result.input());
        if (embedding == null) {
            failed = true;
            line.put("error", String.valueOf(result.error()));
            complain(result.input(), String.valueOf(result.error()));
        } else {
            double[] probabilities = classifier.probabilities(new float[][] {embedding})[0];
            Map<String, Double> byLabel = new LinkedHashMap<>();
            for (int i = 0; i < probabilities.length; i++) {
                byLabel.put(classifier.labels().get(i), probabilities[i]);
            }
            line.put("probabilities", byLabel);
            if (!json) {
                table(result.input(), classifier.labels(), probabilities);
            }
        }
        if (json) {
            printJson(line);
        }
    }

    private void table(String input, List<String> names, double[] probabilities) {
        out().println(input);
        Table table = new Table("lrl");
        IntStream.range(0, probabilities.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -probabilities[i]))
                .limit(SHOWN)
                .forEach(i -> table.row(
                        "  " + names.get(i),
                        String.format(Locale.ROOT, "%.2f %%", 100 * probabilities[i]),
                        "#".repeat((int) Math.round(40 * probabilities[i]))));
        out().print(table);
        if (probabilities.length > SHOWN) {
            out().println("  ... and " + (probabilities.length - SHOWN) + " less likely labels (--json shows all)");
        }
    }
}
