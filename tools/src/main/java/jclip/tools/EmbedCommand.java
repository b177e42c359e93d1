package jclip.tools;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jclip.Clip;
import jclip.backend.NativeMemory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "embed",
        description = "Embeds pictures or texts.",
        footer = {
            "",
            "Examples: jclip embed --model ViT-B-32 --json cat.jpg dog.jpg",
            "          jclip embed --model ViT-B-32 --output texts.npy --text 'a cat' --text 'a dog'"
        })
final class EmbedCommand extends JclipCommand {
    private static final int SHOWN = 4;

    @Mixin
    private ModelOptions options = new ModelOptions();

    @Option(names = "--raw", description = "Vectors as the projection gives them, not of unit length.")
    private boolean raw;

    @Option(
            names = "--output",
            paramLabel = "F.npy",
            description = "Also writes all vectors: float32, rows in input order.")
    private @Nullable Path output;

    @Option(names = "--text", paramLabel = "T", description = "A text; may be repeated.")
    private List<String> texts = List.of();

    @Parameters(paramLabel = "IMAGE", arity = "0..*", description = "Picture files.")
    private List<String> images = List.of();

    private final List<float[]> rows = new ArrayList<>();
    private boolean failed;

    @Override
    public Integer call() throws IOException {
        if (texts.isEmpty() == images.isEmpty()) {
            throw wrong(
                    texts.isEmpty()
                            ? "name pictures or texts (--text T)"
                            : "either pictures or texts, not both in one call");
        }
        Path folder = output == null ? null : output.toAbsolutePath().getParent();
        if (folder != null && !Files.isDirectory(folder)) {
            throw wrong("--output " + output + ": there is no folder " + folder);
        }
        try (Clip clip = options.open()) {
            if (texts.isEmpty()) {
                new PictureEmbedder(clip, !raw).embed(images, this::print);
            } else {
                texts.forEach(text -> print(embed(clip, text)));
            }
        }
        if (output != null && !failed) {
            NpyFile.write(output, rows.toArray(float[][]::new));
        } else if (output != null) {
            err().println(output + " was not written, because not all inputs could be embedded");
        }
        return failed ? FAILED : OK;
    }

    private PictureEmbedder.Result embed(Clip clip, String text) {
        try (NativeMemory row = NativeMemory.allocate((long) clip.embedDim() * Float.BYTES)) {
            clip.model().encodeTexts(clip.tokens(List.of(text)), 1, row.segment(), !raw);
            return new PictureEmbedder.Result(text, row.segment().toArray(ValueLayout.JAVA_FLOAT), null);
        } catch (IllegalArgumentException e) {
            return new PictureEmbedder.Result(text, null, Main.message(e));
        }
    }

    private void print(PictureEmbedder.Result result) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("input", result.input());
        float[] embedding = result.embedding();
        if (embedding != null) {
            rows.add(embedding);
            line.put("embedding", embedding);
        } else {
            failed = true;
            line.put("error", String.valueOf(result.error()));
            complain(result.input(), String.valueOf(result.error()));
        }
        if (json) {
            printJson(line);
        } else if (embedding != null) {
            out().println(summary(result.input(), embedding));
        }
    }

    private static String summary(String input, float[] embedding) {
        double square = 0;
        StringBuilder text = new StringBuilder(input).append("  [");
        for (int i = 0; i < embedding.length; i++) {
            square += (double) embedding[i] * embedding[i];
            if (i < SHOWN) {
                text.append(String.format(Locale.ROOT, "%s%.5f", i == 0 ? "" : " ", embedding[i]));
            }
        }
        return text.append(String.format(
                        Locale.ROOT, " ...]  %d numbers, length %.6f", embedding.length, Math.sqrt(square)))
                .toString();
    }
}
