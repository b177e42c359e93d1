package jclip.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import jclip.Fixtures;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every tokenizer case of the shared fixtures: all rows must be the reference's, rows marked as hard for Java included.
 */
class TokenizerFixturesTest {
    private static final Set<String> KINDS =
            Set.of("encode", "tokenize", "decode", "fix_text", "is_bad", "unescape", "clean", "split", "hf_encode");
    private final Map<Path, Tokenizer> tokenizers = new HashMap<>();

    @TestFactory
    Stream<DynamicTest> everyCase() {
        List<Path> cases = Fixtures.cases("").stream()
                .filter(folder ->
                        KINDS.contains(Json.read(folder.resolve("case.json")).text("kind", "")))
                .toList();
        if (cases.isEmpty()) {
            return Stream.of(DynamicTest.dynamicTest("shared fixtures absent, nothing compared", () -> {}));
        }
        return cases.stream()
                .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> run(folder)));
    }

    private void run(Path folder) {
        Json about = Json.read(folder.resolve("case.json"));
        List<Json> rows = Json.lines(folder.resolve(about.text("rows")));
        assertThat(rows).hasSize(about.number("count"));
        List<String> wrong = new ArrayList<>();
        for (Json row : rows) {
            String difference = difference(folder, about, row);
            if (!difference.isEmpty()) {
                wrong.add(row.text("text", row.text("clean", "")) + ": " + difference);
            }
        }
        assertThat(wrong).as("%d of %d rows differ", wrong.size(), rows.size()).isEmpty();
    }

    private String difference(Path folder, Json about, Json row) {
        return switch (about.text("kind")) {
            case "encode" -> encode(tokenizer(folder, about), row, about.text("clean"));
            case "tokenize" -> tokenize(tokenizer(folder, about), row);
            case "decode" -> compare(row.text("text"), spelled(folder, about).decode(row.numbers("ids")));
            case "fix_text" -> compare(row.text("fixed"), TextRepair.fix(row.text("text")));
            case "is_bad" -> isBad(row);
            case "unescape" -> unescape(row);
            case "clean" -> clean(row);
            case "split" -> compare(row.texts("pieces"), split(row.text("clean"), special(about)));
            case "hf_encode" ->
                compare(
                        Arrays.toString(row.numbers("openai")),
                        Arrays.toString(tokenizer(folder, about).encode(row.text("text"))));
            default -> "a kind that this test does not know: " + about.text("kind");
        };
    }

    private static String compare(Object wanted, Object found) {
        return wanted.equals(found) ? "" : "wanted " + wanted + ", found " + found;
    }

    private static String encode(Tokenizer standard, Json row, String cleaning) {
        Tokenizer tokenizer = standard.withCleaning(Cleaning.valueOf(cleaning.toUpperCase(Locale.ROOT)));
        String text = row.text("text");
        String difference = compare(Arrays.toString(row.numbers("ids")), Arrays.toString(tokenizer.encode(text)));
        String cleaned = compare(row.text("clean", text), tokenizer.cleaning().clean(text));
        String other = row.has("ids_openai_specials") ? "ids_openai_specials" : "ids";
        String spelled = compare(
                Arrays.toString(row.numbers(other)),
                Arrays.toString(
                        tokenizer.withSpecialTokens(SpecialTokens.OPENAI).encode(text)));
        return difference + cleaned + spelled;
    }

    private static String tokenize(Tokenizer tokenizer, Json row) {
        int context = row.number("context_length");
        int[] wanted = Arrays.copyOf(row.numbers("ids"), context);
        TokenRow found = tokenizer.encodeRow(row.text("text"), context, Overflow.TRUNCATE);
        int[] same = tokenizer.encode(row.text("text"), context, Overflow.TRUNCATE);
        return compare(Arrays.toString(wanted), Arrays.toString(found.ids()))
                + compare(Arrays.toString(wanted), Arrays.toString(same))
                + compare(tokenizer.encode(row.text("text")).length, found.tokens());
    }

    private static String isBad(Json row) {
        int[] text = row.text("text").codePoints().toArray();
        int count = 0;
        long match = MojibakeTest.firstMatch(text, 0);
        String first = match < 0 ? "" : "[" + (match >>> 32) + ", " + (int) match + "]";
        for (long next = match; next >= 0; next = MojibakeTest.firstMatch(text, (int) next)) {
            count++;
        }
        return compare(row.flag("bad"), MojibakeTest.isBad(row.text("text")))
                + compare(row.number("count"), count)
                + (row.has("first") ? compare(Arrays.toString(row.numbers("first")), first) : "");
    }

    private static String unescape(Json row) {
        String once = HtmlEntities.unescape(row.text("text"));
        return compare(row.text("once"), once) + compare(row.text("twice"), HtmlEntities.unescape(once));
    }

    private static String clean(Json row) {
        String text = row.text("text");
        return compare(row.text("lower"), Cleaning.LOWER.clean(text))
                + compare(row.text("whitespace"), Cleaning.WHITESPACE.clean(text))
                + compare(row.text("canonicalize"), Cleaning.CANONICALIZE.clean(text));
    }

    static List<String> split(String text, SpecialTokens special) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        PieceSplitter splitter = new PieceSplitter(special);
        List<String> pieces = new ArrayList<>();
        for (long piece = splitter.next(bytes, 0); piece >= 0; piece = splitter.next(bytes, (int) piece)) {
            int from = (int) (piece >>> 32);
            pieces.add(new String(bytes, from, (int) piece - from, StandardCharsets.UTF_8));
        }
        return pieces;
    }

    private static SpecialTokens special(Json about) {
        boolean openClip = about.texts("special_tokens").contains(SpecialTokens.OPEN_CLIP.start());
        return openClip ? SpecialTokens.OPEN_CLIP : SpecialTokens.OPENAI;
    }

    private Tokenizer spelled(Path folder, Json about) {
        return tokenizer(folder, about).withSpecialTokens(special(about));
    }

    /** The vocabulary that the case names, in the nearest parent folder that has vocabularies. */
    private Tokenizer tokenizer(Path folder, Json about) {
        Path parent = folder.toAbsolutePath();
        while (parent != null && !Files.isDirectory(parent.resolve("vocab"))) {
            parent = parent.getParent();
        }
        if (parent == null) {
            assertThat(about.text("vocab"))
                    .as("no folder vocab/ above %s", folder)
                    .isEqualTo("openai");
            return Tokenizer.standard();
        }
        return tokenizers.computeIfAbsent(parent.resolve("vocab").resolve(about.text("vocab")), Tokenizer::open);
    }
}
