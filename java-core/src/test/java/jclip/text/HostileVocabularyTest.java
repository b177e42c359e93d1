package jclip.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import jclip.Fixtures;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged and hostile vocabularies: a clear error of the project's own kind, in bounded time, or a vocabulary that
 * works.
 */
class HostileVocabularyTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    private Path folder;

    @TestFactory
    Stream<DynamicTest> everyBadFixture() {
        List<Path> cases = Fixtures.cases("").stream()
                .filter(bad ->
                        Json.read(bad.resolve("case.json")).text("kind", "").equals("tokenizer"))
                .toList();
        if (cases.isEmpty()) {
            return Stream.of(DynamicTest.dynamicTest("shared fixtures absent, nothing opened", () -> {}));
        }
        return cases.stream()
                .map(bad -> DynamicTest.dynamicTest(bad.getFileName().toString(), () -> open(bad)));
    }

    private static void open(Path bad) {
        Json about = Json.read(bad.resolve("case.json"));
        Path file = bad.resolve(about.text("file"));
        for (Path path : file.endsWith("vocab.json") ? List.of(bad, file) : List.of(file)) {
            Assertions.assertTimeout(LIMIT, () -> {
                switch (about.text("must")) {
                    case "accept" -> works(Tokenizer.open(path));
                    case "reject" -> assertRejected(about, path);
                    default -> {
                        try {
                            works(Tokenizer.open(path));
                        } catch (TokenizerException e) {
                            assertThat(e).hasMessageContaining(bad.getFileName().toString());
                        }
                    }
                }
            });
        }
    }

    private static void assertRejected(Json about, Path path) {
        assertThatThrownBy(() -> Tokenizer.open(path))
                .isInstanceOf(TokenizerException.class)
                .satisfies(e -> assertThat(e.getMessage())
                        .as("the message names the file")
                        .contains(about.text("name")))
                .satisfies(e -> assertThat(about.texts("error_about"))
                        .as("one of these is in: %s", e.getMessage())
                        .anyMatch(word -> e.getMessage().contains(word)));
    }

    private static void works(Tokenizer tokenizer) {
        int[] ids = tokenizer.encode("a photo of a cat, it's 2 cats");
        assertThat(ids[0]).isEqualTo(tokenizer.startToken());
        assertThat(ids[ids.length - 1]).isEqualTo(tokenizer.endToken());
        assertThat(Arrays.stream(ids)).allMatch(id -> id >= 0 && id < tokenizer.vocabularySize());
        String text = tokenizer.decode(ids).replace(" ", "");
        assertThat(text).contains("aphotoofacat,it's2cats");
    }

    @Test
    void aFolderWithoutVocabularySaysWhatWasLookedFor() {
        assertThatThrownBy(() -> Tokenizer.open(folder))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("bpe_*.txt.gz")
                .hasMessageContaining("vocab.json")
                .hasMessageContaining("tokenizer.json");
        assertThatThrownBy(() -> Tokenizer.open(folder.resolve("nothing.txt")))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("nothing.txt");
    }

    @Test
    void twoVocabulariesInAFolderAreNotGuessedAt() throws IOException {
        Files.write(folder.resolve("bpe_one.txt"), SmallVocabulary.BPE.getBytes(StandardCharsets.UTF_8));
        works(Tokenizer.open(folder));
        Files.write(folder.resolve("bpe_two.txt"), SmallVocabulary.BPE.getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> Tokenizer.open(folder)).hasMessageContaining("bpe_two.txt");
    }

    @Test
    void aBombIsRefusedBeforeItIsUnpackedWhole() throws IOException {
        Path bomb = folder.resolve("bpe_bomb.txt.gz");
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(bomb))) {
            byte[] spaces = new byte[1 << 20];
            for (int i = 0; i < 100; i++) {
                out.write(spaces);
            }
        }
        assertThatThrownBy(() -> Tokenizer.open(bomb))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("too large");
    }

    @Test
    void moreTokensThanAnyVocabularyHasAreNotKept() throws IOException {
        StringBuilder vocab = new StringBuilder("{\"a\":0");
        for (int i = 1; i < 300_000; i++) {
            vocab.append(",\"").append(i).append("\":").append(i);
        }
        Path file = Files.writeString(folder.resolve("vocab.json"), vocab.append("}"));
        Files.writeString(folder.resolve("merges.txt"), "a b");
        assertThatThrownBy(() -> Tokenizer.open(file))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("262144 tokens");
    }

    @Test
    void damagedLinesAreNamed() throws IOException {
        rejectsBpe("t h", "t h\nthree parts here", "line 22", "two parts");
        rejectsBpe("t h", "lonely", "line 21", "two parts");
        rejectsBpe("t h", "t zzz", "line 21", "zzz");
        rejectsBpe("t h", "a n", "line 21", "duplicate");
    }

    private void rejectsBpe(String line, String instead, String... words) throws IOException {
        String text = SmallVocabulary.BPE.replace("\n" + line + "\n", "\n" + instead + "\n");
        assertThat(text).isNotEqualTo(SmallVocabulary.BPE);
        Path file = Files.writeString(folder.resolve("bpe_damaged.txt"), text);
        assertThatThrownBy(() -> Tokenizer.open(file))
                .isInstanceOf(TokenizerException.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(words));
    }

    @Test
    void whateverBytesComeNothingElseIsThrown() throws IOException {
        SmallVocabulary.write(folder);
        List<Path> files = List.of(
                Files.write(folder.resolve("bpe_small.txt"), SmallVocabulary.BPE.getBytes(StandardCharsets.UTF_8)),
                Files.write(folder.resolve("bpe_small2.txt.gz"), gzip(SmallVocabulary.BPE)),
                folder.resolve("vocab.json"),
                folder.resolve("merges.txt"),
                folder.resolve("tokenizer.json"));
        Random random = new Random(7);
        int rejected = 0;
        int accepted = 0;
        for (Path file : files) {
            byte[] sound = Files.readAllBytes(file);
            works(Tokenizer.open(file));
            for (int round = 0; round < 100; round++) {
                Files.write(file, mutate(sound, random));
                try {
                    Tokenizer tokenizer = Tokenizer.open(file);
                    tokenizer.decode(tokenizer.encode("any text <|endoftext|> will do \u00e9\ud83d\ude00"));
                    accepted++;
                } catch (TokenizerException e) {
                    assertThat(e.getMessage()).isNotBlank();
                    rejected++;
                }
            }
            Files.write(file, sound);
        }
        assertThat(rejected).isGreaterThan(150);
        assertThat(accepted).isGreaterThan(5);
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    /** A few bytes changed, and one time in ten the end cut off. */
    private static byte[] mutate(byte[] sound, Random random) {
        int length = random.nextInt(10) == 0 ? random.nextInt(sound.length) + 1 : sound.length;
        byte[] mutated = Arrays.copyOf(sound, length);
        for (int change = random.nextInt(3); change >= 0; change--) {
            int at = random.nextInt(length);
            mutated[at] = switch (random.nextInt(3)) {
                case 0 -> (byte) random.nextInt(256);
                case 1 -> sound[random.nextInt(sound.length)];
                default -> (byte) "\n \"{}[],:0-9</w>".charAt(random.nextInt(15));
            };
        }
        return mutated;
    }
}
