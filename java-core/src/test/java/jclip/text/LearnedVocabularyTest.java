package jclip.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Vocabularies learned from texts, beside the plainest way of learning them. */
class LearnedVocabularyTest {
    @TempDir
    private Path folder;

    private static List<String> texts() {
        String[] words = {"low", "lower", "newest", "widest", "a", "dog's", "banana", "caf\u00e9", "aaaa", "zz9", "!!"};
        Random random = new Random(3);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            StringBuilder text = new StringBuilder();
            for (int k = 0; k < 6; k++) {
                text.append(words[random.nextInt(words.length)]).append(k % 2 == 0 ? " " : "  ");
            }
            texts.add(i % 2 == 0 ? text.toString() : text.toString().toUpperCase(java.util.Locale.ROOT));
        }
        return texts;
    }

    /** Counts all pairs anew for each merge. */
    private static List<String> plain(List<String> texts, int merges) {
        List<List<String>> words = new ArrayList<>();
        Map<String, Integer> ids = new HashMap<>();
        VocabularyBuilder builder = new VocabularyBuilder(512);
        builder.addByteSymbols();
        int[] symbols = builder.byteSymbols();
        for (int i = 0; i < 512; i++) {
            ids.put(VocabularyBuilder.written(i), symbols[i]);
        }
        for (String text : texts) {
            for (String piece :
                    CleaningSteps.split(CleaningSteps.clean(text, Cleaning.LOWER), SpecialTokens.OPEN_CLIP)) {
                byte[] bytes = piece.getBytes(StandardCharsets.UTF_8);
                List<String> word = new ArrayList<>();
                for (int i = 0; i < bytes.length; i++) {
                    word.add(VocabularyBuilder.written((bytes[i] & 255) + (i == bytes.length - 1 ? 256 : 0)));
                }
                words.add(word);
            }
        }
        List<String> made = new ArrayList<>();
        while (made.size() < merges) {
            Map<String, Integer> counts = new HashMap<>();
            for (List<String> word : words) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    if (!ids.containsKey(word.get(i) + word.get(i + 1))) {
                        counts.merge(word.get(i) + " " + word.get(i + 1), 1, Integer::sum);
                    }
                }
            }
            String best = counts.entrySet().stream()
                    .min((a, b) -> {
                        int byCount = b.getValue() - a.getValue();
                        String[] left = a.getKey().split(" ");
                        String[] right = b.getKey().split(" ");
                        int byLeft = byCount != 0 ? byCount : ids.get(left[0]) - ids.get(right[0]);
                        return byLeft != 0 ? byLeft : ids.get(left[1]) - ids.get(right[1]);
                    })
                    .orElseThrow()
                    .getKey();
            String[] parts = best.split(" ");
            made.add(best);
            ids.put(parts[0] + parts[1], 511 + made.size());
            for (List<String> word : words) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    if (word.get(i).equals(parts[0]) && word.get(i + 1).equals(parts[1])) {
                        word.set(i, parts[0] + parts[1]);
                        word.remove(i + 1);
                    }
                }
            }
        }
        return made;
    }

    @Test
    void mergesAreThoseOfThePlainWay() {
        List<String> texts = texts();
        LearnedVocabulary learned = LearnedVocabulary.of(texts, 540);
        assertThat(learned.merges()).isEqualTo(plain(texts, 26));
        Collections.shuffle(texts, new Random(1));
        assertThat(LearnedVocabulary.of(texts, 540).merges()).isEqualTo(learned.merges());
    }

    @Test
    void theTokenizerReadsWhatWasWritten() throws IOException {
        LearnedVocabulary learned = LearnedVocabulary.of(texts(), 540);
        Path text = folder.resolve("bpe_small.txt");
        Path packed = folder.resolve("bpe_small.txt.gz");
        learned.write(text);
        learned.write(packed);
        byte[] first = Files.readAllBytes(packed);
        learned.write(packed);
        assertThat(Files.readAllBytes(packed)).isEqualTo(first);
        for (Path file : List.of(text, packed)) {
            Tokenizer tokenizer = Tokenizer.open(file);
            assertThat(tokenizer.vocabularySize()).isEqualTo(540);
            assertThat(tokenizer.startToken()).isEqualTo(538);
            assertThat(tokenizer.endToken()).isEqualTo(539);
            assertThat(tokenizer.encode("BANANA banana")).hasSizeLessThan(8);
            assertThat(tokenizer.decode(tokenizer.encode("newest caf\u00e9 \u2603")))
                    .isEqualTo("<start_of_text>newest caf\u00e9 \u2603 <end_of_text>");
        }
        try (var files = Files.list(folder)) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void sizesThatCannotBe() {
        for (int size : new int[] {-1, 0, 514, 49_409}) {
            assertThatThrownBy(() -> LearnedVocabulary.of(texts(), size)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> LearnedVocabulary.of(List.of("ab"), 600))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("515 at most");
    }
}
