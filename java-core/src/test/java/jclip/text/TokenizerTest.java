package jclip.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TokenizerTest {
    private static final Tokenizer STANDARD = Tokenizer.standard();
    private static final String DAMAGED =
            "\u00c3\u00a9 \u00e2\u20ac\u2122&amp;#0x1F;\u001b[31m\r\n\ud83d\ude00'sS\u017f_\u0130\u03a3";

    @TempDir
    private Path folder;

    @Test
    void standardVocabularyGivesTheReferencesIds() {
        assertThat(STANDARD.vocabularySize()).isEqualTo(49408);
        assertThat(STANDARD.startToken()).isEqualTo(49406);
        assertThat(STANDARD.endToken()).isEqualTo(49407);
        encodes("a cartoon tench.", 320, 7651, 1149, 634, 269);
        encodes(
                "a low resolution photo of a hammerhead shark.",
                320,
                1042,
                9977,
                1125,
                539,
                320,
                15331,
                1375,
                7980,
                269);
        encodes("1e-5; sure, price: tumour", 272, 324, 268, 276, 282, 1650, 267, 2827, 281, 45129);
        encodes("12 my rain", 272, 273, 607, 2443);
        encodes("");
        encodes("  \t\n ");
    }

    @Test
    void textIsRepairedBeforeItIsEncoded() {
        encodes("'\u00c3\u00a9t\u00c3\u00a9 dernier,", 262, 3459, 39694, 839, 13014, 267);
        encodes("'\u00e9t\u00e9 dernier,", 262, 3459, 39694, 839, 13014, 267);
        assertThat(Cleaning.WHITESPACE.clean("it\u00e2\u20ac\u2122s  sch\u00c3\u00b6n"))
                .isEqualTo("it's sch\u00f6n");
        assertThat(TextRepair.fix("voil\u00c3 le travail")).isEqualTo("voil\u00e0 le travail");
        assertThat(TextRepair.fix("P&EACUTE;REZ &amp;amp; \ufb01n\u2026\u0085"))
                .isEqualTo("P\u00c9REZ & fin\u2026\u2026");
        assertThat(TextRepair.fix("&amp; < &amp;\n&amp;")).isEqualTo("&amp; < &amp;\n&amp;");
        assertThat(TextRepair.fix("a\u001b[1;31mred\u001b[0m\r\nb\rc\u0000")).isEqualTo("ared\nb\nc");
        assertThat(TextRepair.fix("x\ud800y\ufeff")).isEqualTo("x\ufffdy");
    }

    @Test
    void specialTokensAreThoseOfTheSpellingAtHand() {
        encodes("<START_OF_TEXT>a cat<end_of_text>", 49406, 320, 2368, 49407);
        encodes("<|endoftext|>", 27, 347, 40786, 4160, 91, 285);
        Tokenizer openai = STANDARD.withSpecialTokens(SpecialTokens.OPENAI);
        assertThat(openai.encode("<|endoftext|>")).containsExactly(49406, 49407, 49407);
        assertThat(openai.decode(openai.encode("a cat"))).isEqualTo("<|startoftext|>a cat <|endoftext|>");
        encodes("<\u017ftart_of_text>", 27, 129, 123, 16707, 62, 684, 62, 18169, 285);
    }

    private static void encodes(String text, int... ids) {
        int[] wanted = new int[ids.length + 2];
        wanted[0] = 49406;
        System.arraycopy(ids, 0, wanted, 1, ids.length);
        wanted[wanted.length - 1] = 49407;
        assertThat(STANDARD.encode(text)).as(text).containsExactly(wanted);
    }

    @Test
    void lowerCaseKnowsTheFinalSigmaAndWhatTheReferenceLeaves() {
        assertThat(LowerCase.of("\u039f\u0394\u039f\u03a3 \u03a3 \u03a3\u0391\u03a3."))
                .isEqualTo("\u03bf\u03b4\u03bf\u03c2 \u03c3 \u03c3\u03b1\u03c2.");
        assertThat(LowerCase.of("\u0130\u01c5\u1c89")).isEqualTo("i\u0307\u01c6\u1c89");
    }

    @Test
    void charactersNewerThanTheReferencesUnicodeNeitherCombineNorHaveCase() {
        assertThat(TextRepair.compose("e\u0301 \u0301\u0323")).isEqualTo("\u00e9 \u0323\u0301");
        assertThat(TextRepair.compose("e\u0301 \u0301\u0897\u0323e\u0301"))
                .isEqualTo("\u00e9 \u0301\u0897\u0323\u00e9");
        assertThat(LowerCase.of("A\u03a3\u0897B A\u03a3\ua7cb")).isEqualTo("a\u03c2\u0897b a\u03c2\ua7cb");
    }

    @Test
    void threeFormsOfOneVocabularyAgree() throws IOException {
        Path hf = Files.createDirectory(folder.resolve("hf"));
        SmallVocabulary.write(hf);
        Path json = Files.createDirectory(folder.resolve("json"));
        Files.copy(hf.resolve("tokenizer.json"), json.resolve("tokenizer.json"));
        Files.writeString(folder.resolve("bpe_small.txt"), SmallVocabulary.BPE.stripTrailing());
        Tokenizer bpe = Tokenizer.open(folder);
        for (Tokenizer other :
                List.of(Tokenizer.open(hf), Tokenizer.open(hf.resolve("merges.txt")), Tokenizer.open(json))) {
            assertThat(other.specialTokens()).isEqualTo(SpecialTokens.OPENAI);
            assertThat(other.vocabularySize()).isEqualTo(bpe.vocabularySize()).isEqualTo(512 + 22 + 2);
            for (String text : List.of("the red dog's photo, in string", "Photo of THE cat at dawn \u00e9 2", "")) {
                assertThat(other.encode(text)).isEqualTo(bpe.encode(text));
            }
        }
        assertThat(bpe.encode("photo of the dog's")).containsExactly(534, 521, 516, 533, 523, 525, 535);
    }

    @Test
    void aFinalLineFeedMovesTheSpecialIdsAsInTheReference() throws IOException {
        Files.writeString(folder.resolve("bpe_small.txt"), SmallVocabulary.BPE);
        Tokenizer moved = Tokenizer.open(folder);
        assertThat(moved.vocabularySize()).isEqualTo(512 + 22 + 3);
        assertThat(moved.encode("the")).containsExactly(535, 533, 536);
    }

    @Test
    void rowsArePaddedCutOrRefused() {
        String text = "a low resolution photo of a hammerhead shark.";
        assertThat(STANDARD.encode("a cat", 6, Overflow.REJECT)).containsExactly(49406, 320, 2368, 49407, 0, 0);
        TokenRow row = STANDARD.encodeRow(text, 6, Overflow.TRUNCATE);
        assertThat(row.ids()).containsExactly(49406, 320, 1042, 9977, 1125, 49407);
        assertThat(row.tokens()).isEqualTo(12);
        assertThat(row.truncated()).isTrue();
        assertThat(row.kept()).isEqualTo("a low resolution photo");
        assertThat(STANDARD.encodeRow(text, 12, Overflow.REJECT).kept()).isEqualTo(text);
        assertThat(STANDARD.encodeRow("supercalifragilistic", 4, Overflow.TRUNCATE)
                        .kept())
                .startsWith("super")
                .hasSizeLessThan(20);
        assertThatThrownBy(() -> STANDARD.encode(text, 6, Overflow.REJECT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("12 tokens")
                .hasMessageContaining("\"a low resolution photo\"")
                .hasMessageContaining("character 22");
        assertThatThrownBy(() -> STANDARD.encode(text, 0, Overflow.TRUNCATE))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void rowsAreWrittenIntoMemory() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate(ValueLayout.JAVA_INT, 6);
            row.fill((byte) -1);
            assertThat(STANDARD.encodeInto("a cat", row, Overflow.REJECT)).isEqualTo(4);
            assertThat(row.toArray(ValueLayout.JAVA_INT)).containsExactly(49406, 320, 2368, 49407, 0, 0);
            assertThat(STANDARD.encodeInto("a photo of a cat in a hat", row, Overflow.TRUNCATE))
                    .isEqualTo(6);
            assertThat(row.toArray(ValueLayout.JAVA_INT))
                    .startsWith(49406, 320, 1125)
                    .endsWith(49407);
            assertThatThrownBy(() -> STANDARD.encodeInto("a photo of a cat in a hat", row, Overflow.REJECT))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void decodeRefusesIdsThatAreNone() {
        assertThatThrownBy(() -> STANDARD.decode(new int[] {320, 49408})).hasMessageContaining("49408");
        assertThatThrownBy(() -> STANDARD.decode(new int[] {-1})).isInstanceOf(IllegalArgumentException.class);
        assertThat(STANDARD.decode(new int[] {0x61, 0x61 + 256})).isNotEmpty();
    }

    @ParameterizedTest
    @EnumSource(Cleaning.class)
    void anyTextIsEncodedAndDecodedToItsPieces(Cleaning cleaning) {
        Tokenizer tokenizer = STANDARD.withCleaning(cleaning);
        Random random = new Random(11);
        for (int round = 0; round < 3000; round++) {
            String text = randomText(random, round % 3);
            StringBuilder wanted = new StringBuilder("<start_of_text>");
            for (String piece : TokenizerFixturesTest.split(cleaning.clean(text), SpecialTokens.OPEN_CLIP)) {
                wanted.append(piece).append(' ');
            }
            assertThat(tokenizer.decode(tokenizer.encode(text)))
                    .as(() -> "text " + text.chars().boxed().toList())
                    .isEqualTo(wanted.append("<end_of_text>").toString());
        }
    }

    /** Printable ASCII, any characters with lone surrogates among them, or what often stands in damaged text. */
    private static String randomText(Random random, int kind) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(40); i >= 0; i--) {
            int c =
                    switch (kind) {
                        case 0 -> ' ' + random.nextInt(95);
                        case 1 -> random.nextInt(random.nextBoolean() ? 0x3000 : 0x10FFFF);
                        default -> DAMAGED.charAt(random.nextInt(DAMAGED.length()));
                    };
            text.appendCodePoint(c == '<' ? '>' : c);
        }
        return text.toString();
    }

    @ParameterizedTest
    @EnumSource(Cleaning.class)
    void theShortWayOfPlainTextGivesTheSamePieces(Cleaning cleaning) {
        Random random = new Random(5);
        for (int round = 0; round < 5000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(30); i >= 0; i--) {
                text.append((char) (random.nextInt(8) == 0 ? 9 + random.nextInt(5) : random.nextInt(128)));
            }
            byte[] quick = cleaning.cleanUtf8(text.toString());
            assertThat(TokenizerFixturesTest.split(new String(quick, StandardCharsets.UTF_8), SpecialTokens.OPENAI))
                    .isEqualTo(TokenizerFixturesTest.split(cleaning.clean(text.toString()), SpecialTokens.OPENAI));
        }
    }

    @Test
    void theHeapMergesLongPiecesAsThePlainLoopDoes() {
        Vocabulary vocabulary = BpeText.standard();
        BytePairEncoder encoder = new BytePairEncoder(vocabulary);
        Random random = new Random(3);
        for (int round = 0; round < 300; round++) {
            int letters = 1 + random.nextInt(26);
            int[] symbols = new int[1 + random.nextInt(600)];
            for (int i = 0; i < symbols.length; i++) {
                symbols[i] = vocabulary.byteSymbol((byte) ('a' + random.nextInt(letters)), i == symbols.length - 1);
            }
            int[] same = symbols.clone();
            int count = encoder.mergePlain(symbols);
            assertThat(encoder.mergeLong(same)).isEqualTo(count);
            assertThat(Arrays.copyOf(same, count)).isEqualTo(Arrays.copyOf(symbols, count));
        }
    }

    @Test
    void aVeryLongPieceTakesBoundedTime() {
        String text = "supercalifragilistic".repeat(50_000);
        long start = System.nanoTime();
        int[] ids = STANDARD.encode(text);
        assertThat(System.nanoTime() - start).isLessThan(20_000_000_000L);
        assertThat(STANDARD.decode(ids)).isEqualTo("<start_of_text>" + text + " <end_of_text>");
    }

    @Test
    void manyThreadsGetTheSameIds() throws Exception {
        List<String> texts = new ArrayList<>();
        Random random = new Random(2);
        for (int i = 0; i < 2000; i++) {
            texts.add(randomText(random, 0));
        }
        Tokenizer fresh = Tokenizer.standard().withCleaning(Cleaning.LOWER);
        List<Callable<List<int[]>>> tasks = new ArrayList<>();
        for (int thread = 0; thread < 8; thread++) {
            tasks.add(() -> texts.stream().map(fresh::encode).toList());
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<List<int[]>>> results = threads.invokeAll(tasks);
            List<int[]> first = results.getFirst().get();
            for (Future<List<int[]>> result : results) {
                for (int i = 0; i < texts.size(); i++) {
                    assertThat(result.get().get(i)).isEqualTo(first.get(i));
                }
            }
        }
    }
}
