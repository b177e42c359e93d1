package jclip.tools;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import jclip.text.Overflow;
import jclip.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "tokenize",
        description =
                "Token ids of the texts on the standard input, a line each: a JSON array with start and end token.",
        footer = {"", "Example: echo 'a photo of a cat' | jclip tokenize --context 77"})
final class TokenizeCommand extends JclipCommand {
    @Option(
            names = "--vocab",
            paramLabel = "FILE|FOLDER",
            description =
                    "bpe_*.txt(.gz), vocab.json with merges.txt, or tokenizer.json. Default: the standard vocabulary.")
    private @Nullable Path vocab;

    @Option(names = "--context", paramLabel = "N", description = "Rows of exactly N ids, zeros at the end.")
    private @Nullable Integer context;

    @Option(
            names = "--truncate",
            description = "Cut texts that are too long for the context, instead of reporting them.")
    private boolean truncate;

    @Option(names = "--json-input", description = "Each line is a JSON string, so that a text may hold line breaks.")
    private boolean jsonInput;

    private boolean failed;

    @Override
    public Integer call() throws IOException {
        if (context != null && context < 2) {
            throw wrong("Invalid value for option '--context': " + context + "; start and end token need 2");
        }
        Tokenizer tokenizer = vocab == null ? Tokenizer.standard() : Tokenizer.open(vocab);
        try (LineReader in = new LineReader(System.in)) {
            for (String line = in.next(); line != null; line = in.next()) {
                print(tokenizer, line);
            }
        }
        out().flush();
        return failed ? FAILED : OK;
    }

    private void print(Tokenizer tokenizer, String line) {
        try {
            String text = jsonInput ? string(line) : line;
            int[] ids = context == null
                    ? tokenizer.encode(text)
                    : tokenizer.encode(text, context, truncate ? Overflow.TRUNCATE : Overflow.REJECT);
            out().println(JsonLine.of(ids));
        } catch (IllegalArgumentException e) {
            failed = true;
            out().println(JsonLine.of(Map.of("error", Main.message(e))));
        }
    }

    private static String string(String line) {
        if (JsonObject.parseValue(line) instanceof String text) {
            return text;
        }
        throw new IllegalArgumentException("the line is no JSON string");
    }
}
