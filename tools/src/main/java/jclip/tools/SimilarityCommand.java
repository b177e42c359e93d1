package jclip.tools;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jclip.Clip;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "similarity",
        description = "Cosines of every picture with every text.",
        footer = {"", "Example: jclip similarity --model ViT-B-32 --text 'a cat' --text 'a dog' photo.jpg"})
final class SimilarityCommand extends JclipCommand {
    @Mixin
    private ModelOptions options = new ModelOptions();

    @Option(names = "--text", paramLabel = "T", required = true, description = "A text; may be repeated.")
    private List<String> texts = List.of();

    @Parameters(paramLabel = "IMAGE", arity = "1..*", description = "Picture files.")
    private List<String> images = List.of();

    private final Table table = new Table("rll", "cosine", "input", "text");
    private boolean failed;

    @Override
    public Integer call() {
        try (Clip clip = options.open()) {
            float[][] embeddings = clip.encodeTexts(texts);
            new PictureEmbedder(clip, true).embed(images, result -> print(result, embeddings));
        }
        if (!json) {
            out().print(table);
        }
        return failed ? FAILED : OK;
    }

    private void print(PictureEmbedder.Result result, float[][] embeddings) {
        float[] picture = result.embedding();
        if (picture == null) {
            failed = true;
            complain(result.input(), String.valueOf(result.error()));
            if (json) {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("input", result.input());
                line.put("error", String.valueOf(result.error()));
                printJson(line);
            }
            return;
        }
        for (int i = 0; i < embeddings.length; i++) {
            double cosine = Clip.cosine(picture, embeddings[i]);
            if (json) {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("input", result.input());
                line.put("text", texts.get(i));
                line.put("cosine", cosine);
                printJson(line);
            } else {
                table.row(String.format(Locale.ROOT, "%.6f", cosine), result.input(), texts.get(i));
            }
        }
    }
}
