package jclip.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** A vocabulary of a few merges in each form that is read, made here. */
final class SmallVocabulary {
    private static final String[] MERGES = {
        "i n",
        "a n",
        "th e</w>",
        "a t</w>",
        "c at</w>",
        "o f</w>",
        "p h",
        "ph o",
        "o t",
        "t o</w>",
        "pho to</w>",
        "d o",
        "do g</w>",
        "in g</w>",
        "' s</w>",
        "r e",
        "e d</w>",
        "re d</w>"
    };

    /** As OpenAI writes it; {@code t h} stands in line 21, behind which {@code th e</w>} follows. */
    static final String BPE = bpe();

    private SmallVocabulary() {}

    private static List<String> merges() {
        List<String> merges = new ArrayList<>(List.of(MERGES));
        merges.remove("th e</w>");
        merges.add("s t");
        merges.add("e r</w>");
        merges.add("t h");
        merges.add("a n</w>");
        merges.add("th e</w>");
        return merges;
    }

    private static String bpe() {
        return "\"a small vocabulary\"\n" + String.join("\n", merges()) + "\n";
    }

    /** Writes vocab.json, merges.txt and tokenizer.json. */
    static void write(Path folder) throws IOException {
        StringBuilder vocab = new StringBuilder("{");
        List<String> tokens = new ArrayList<>();
        for (int last = 0; last < 512; last += 256) {
            IntStream.range(last, last + 256)
                    .mapToObj(VocabularyBuilder::written)
                    .sorted()
                    .forEach(tokens::add);
        }
        merges().forEach(merge -> tokens.add(merge.replace(" ", "")));
        tokens.add("<|startoftext|>");
        tokens.add("<|endoftext|>");
        for (String token : tokens) {
            vocab.append(vocab.length() > 1 ? ",\n" : "")
                    .append('"')
                    .append(token.replace("\\", "\\\\").replace("\"", "\\\""))
                    .append("\": ")
                    .append(tokens.indexOf(token));
        }
        vocab.append("}");
        Files.writeString(folder.resolve("vocab.json"), vocab);
        Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\n" + String.join("\n", merges()) + "\n");
        StringBuilder pairs = new StringBuilder();
        for (String merge : merges()) {
            pairs.append(pairs.isEmpty() ? "" : ",")
                    .append("[\"")
                    .append(merge.replace(" ", "\",\""))
                    .append("\"]");
        }
        Files.writeString(
                folder.resolve("tokenizer.json"),
                "{\"version\":\"1.0\",\"model\":{\"type\":\"BPE\",\"end_of_word_suffix\":\"</w>\",\"merges\":[" + pairs
                        + "],\n\"vocab\":" + vocab + "},\"added_tokens\":[]}");
    }
}
