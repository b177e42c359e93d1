package jclip.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonEOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Vocabularies as Hugging Face writes them: {@code vocab.json} with {@code merges.txt}, or {@code tokenizer.json}. Only
 * tokens and merges are taken; the text is always treated as OpenAI's tokenizer does.
 */
final class HuggingFace {
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    private static final SpecialTokens SPECIAL = SpecialTokens.OPENAI;
    /** Ids may leave gaps, but no more than this beyond the number of tokens. */
    private static final int MOST_GAPS = 1024;
    /** Of tokens, and of merges: five times what CLIP has. Bounds what a hostile file can make us keep. */
    private static final int MOST = 1 << 18;

    private final String file;
    /** Token to id, in the order of the file. */
    private final Map<String, Integer> tokens = new LinkedHashMap<>();
    /** The merges of tokenizer.json: left and right part of each. */
    private @Nullable List<String> merges;

    private final Map<String, Integer> added = new LinkedHashMap<>();
    private @Nullable String model;
    private @Nullable String suffix;

    private HuggingFace(String file) {
        this.file = file;
    }

    static Vocabulary parse(VocabularyFile vocab, VocabularyFile merges) {
        HuggingFace reader = new HuggingFace(vocab.path().toString());
        reader.readJson(vocab.bytes(), reader::readTokens);
        VocabularyBuilder builder = reader.build();
        MergeLines lines = new MergeLines(merges.path().toString(), merges.bytes(), builder);
        if (lines.startsWith("#version")) {
            lines.skipLine();
        }
        while (lines.hasLine()) {
            if (!lines.read()) {
                continue;
            }
            int made = reader.made(builder, lines.left(), lines.right());
            if (made < 0) {
                throw lines.errorInLast("makes a token that is missing in " + reader.file + ": "
                        + reader.written(builder, lines.left(), lines.right()));
            }
            reader.checkCount(builder.merges() + 1, "merges in " + merges.path());
            if (!builder.merge(lines.left(), lines.right(), made)) {
                throw lines.errorInLast("is a duplicate: an earlier line has the same merge");
            }
        }
        if (builder.merges() == 0) {
            throw new TokenizerException(merges.path() + ": has no merges; wanted one a line");
        }
        return reader.vocabulary(builder);
    }

    static Vocabulary parse(VocabularyFile tokenizer) {
        HuggingFace reader = new HuggingFace(tokenizer.path().toString());
        reader.readJson(tokenizer.bytes(), reader::readTokenizer);
        reader.checkModel();
        VocabularyBuilder builder = reader.build();
        reader.addMerges(builder);
        return reader.vocabulary(builder);
    }

    @FunctionalInterface
    private interface JsonReader {
        void read(JsonParser in) throws IOException;
    }

    private void readJson(byte[] bytes, JsonReader reader) {
        try (JsonParser in = JSON.createParser(bytes)) {
            if (in.nextToken() != JsonToken.START_OBJECT) {
                throw error("is not a JSON object");
            }
            reader.read(in);
            if (in.nextToken() != null) {
                throw error(in, "has more JSON behind its end");
            }
        } catch (JsonEOFException e) {
            throw new TokenizerException(file + ": the JSON is truncated: " + e.getOriginalMessage(), e);
        } catch (JsonParseException e) {
            throw new TokenizerException(
                    file + ": line " + e.getLocation().getLineNr() + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new TokenizerException(file + ": cannot be read as JSON: " + e.getMessage(), e);
        }
    }

    private TokenizerException error(String what) {
        return new TokenizerException(file + ": " + what);
    }

    private TokenizerException error(JsonParser in, String what) {
        return error("line " + in.currentTokenLocation().getLineNr() + " " + what);
    }

    /** The object of tokens and ids that begins here. */
    private void readTokens(JsonParser in) throws IOException {
        expect(in, JsonToken.START_OBJECT, "the vocabulary");
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String token = in.currentName();
            in.nextToken();
            tokens.put(token, id(in, token));
            checkCount(tokens.size(), "tokens");
        }
    }

    private int id(JsonParser in, String token) throws IOException {
        boolean number = in.currentToken() == JsonToken.VALUE_NUMBER_INT;
        boolean small = number && in.getNumberType() == JsonParser.NumberType.INT;
        if (!small || in.getIntValue() < 0) {
            throw error(
                    in,
                    "gives token " + quote(token) + " the id " + in.getText() + "; wanted a whole number from 0 on");
        }
        return in.getIntValue();
    }

    private void checkCount(int count, String what) {
        if (count > MOST) {
            throw error("has more than " + MOST + " " + what + ", too many for a vocabulary of CLIP");
        }
    }

    private void expect(JsonParser in, JsonToken wanted, String what) throws IOException {
        if (in.currentToken() != wanted) {
            throw error(in, "has " + in.currentToken() + " for " + what + "; wanted " + wanted);
        }
    }

    private void readTokenizer(JsonParser in) throws IOException {
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String name = in.currentName();
            in.nextToken();
            switch (name) {
                case "added_tokens" -> readAdded(in);
                case "model" -> readModel(in);
                default -> in.skipChildren();
            }
        }
    }

    private void readAdded(JsonParser in) throws IOException {
        expect(in, JsonToken.START_ARRAY, "added_tokens");
        while (in.nextToken() != JsonToken.END_ARRAY) {
            expect(in, JsonToken.START_OBJECT, "an added token");
            String content = null;
            int id = -1;
            while (in.nextToken() != JsonToken.END_OBJECT) {
                String name = in.currentName();
                in.nextToken();
                switch (name) {
                    case "content" -> content = text(in, name);
                    case "id" -> id = id(in, String.valueOf(content));
                    default -> in.skipChildren();
                }
            }
            if (content == null || id < 0) {
                throw error(in, "has an added token without content or id");
            }
            added.put(content, id);
            checkCount(added.size(), "added tokens");
        }
    }

    private String text(JsonParser in, String name) throws IOException {
        expect(in, JsonToken.VALUE_STRING, name);
        return in.getText();
    }

    private void readModel(JsonParser in) throws IOException {
        expect(in, JsonToken.START_OBJECT, "model");
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String name = in.currentName();
            boolean isNull = in.nextToken() == JsonToken.VALUE_NULL;
            switch (name) {
                case "type" -> model = text(in, name);
                case "end_of_word_suffix" -> suffix = isNull ? null : text(in, name);
                case "vocab" -> readTokens(in);
                case "merges" -> readMerges(in);
                default -> in.skipChildren();
            }
        }
    }

    private void readMerges(JsonParser in) throws IOException {
        expect(in, JsonToken.START_ARRAY, "merges");
        List<String> parts = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            int number = parts.size() / 2;
            List<String> found = new ArrayList<>();
            if (in.currentToken() == JsonToken.VALUE_STRING) {
                found.addAll(List.of(in.getText().split(" ", 3)));
            } else {
                expect(in, JsonToken.START_ARRAY, "merge " + number);
                while (in.nextToken() != JsonToken.END_ARRAY && found.size() < 3) {
                    found.add(text(in, "a part of merge " + number));
                }
            }
            if (found.size() != 2) {
                throw error(
                        in,
                        "has " + (found.size() == 3 ? "more than two" : found.size()) + " parts in merge " + number
                                + " (the first is merge 0); wanted two");
            }
            parts.addAll(found);
            checkCount(parts.size() / 2, "merges");
        }
        merges = parts;
    }

    private void checkModel() {
        if (model != null && !model.equals("BPE")) {
            throw error("the model is of type " + quote(model) + "; wanted BPE");
        }
        if (tokens.isEmpty()) {
            throw error("has no model with a vocab; wanted a tokenizer.json with a BPE model");
        }
        if (!"</w>".equals(suffix)) {
            String found = suffix == null ? "no end_of_word_suffix" : "end_of_word_suffix " + quote(suffix);
            throw error("the model has " + found + "; wanted \"</w>\", as CLIP's vocabularies have");
        }
        if (merges == null || merges.isEmpty()) {
            throw error("the model has no merges");
        }
        added.forEach((token, id) -> {
            Integer known = tokens.get(token);
            boolean special = token.equals(SPECIAL.start()) || token.equals(SPECIAL.end());
            if (known == null && !special) {
                throw error(
                        "the added token " + quote(token) + " is not in the vocabulary; only CLIP's own are supported");
            }
            if (known != null && !known.equals(id)) {
                throw error("the token " + quote(token) + " has id " + known + " in the vocabulary and " + id
                        + " as added");
            }
            tokens.put(token, id);
        });
    }

    private VocabularyBuilder build() {
        checkIds();
        for (String special : List.of(SPECIAL.start(), SPECIAL.end())) {
            if (!tokens.containsKey(special)) {
                throw error("the vocabulary lacks the token " + special);
            }
        }
        VocabularyBuilder builder = new VocabularyBuilder(tokens.size());
        tokens.forEach((token, id) -> {
            int length = parse(builder, token);
            if (length == VocabularyBuilder.NONE) {
                throw error("token " + quote(token) + " with id " + id + " is not written in byte symbols");
            }
            if (builder.find(length) >= 0) {
                throw error("token " + quote(token) + " with id " + id + " is there twice");
            }
            builder.add(length, id);
        });
        int[] byteSymbols = builder.byteSymbols();
        for (int i = 0; i < byteSymbols.length; i++) {
            if (byteSymbols[i] < 0) {
                throw error("the vocabulary lacks the byte symbol " + quote(VocabularyBuilder.written(i)));
            }
        }
        return builder;
    }

    /** Before any table is made: every id once, and none far outside. */
    private void checkIds() {
        int largest = tokens.size() + MOST_GAPS;
        String[] owners = new String[largest];
        tokens.forEach((token, id) -> {
            if (id >= largest) {
                throw error("token " + quote(token) + " has the id " + id + ", far beyond the " + tokens.size()
                        + " tokens");
            }
            if (owners[id] != null) {
                throw error("duplicate id " + id + ": tokens " + quote(owners[id]) + " and " + quote(token));
            }
            owners[id] = token;
        });
    }

    private static int parse(VocabularyBuilder builder, String token) {
        byte[] bytes = token.getBytes(StandardCharsets.UTF_8);
        return builder.parse(bytes, 0, bytes.length);
    }

    private void addMerges(VocabularyBuilder builder) {
        List<String> parts = merges == null ? List.of() : merges;
        for (int i = 0; i < parts.size(); i += 2) {
            int left = builder.find(parse(builder, parts.get(i)));
            int right = builder.find(parse(builder, parts.get(i + 1)));
            if (left < 0 || right < 0) {
                String unknown = parts.get(left < 0 ? i : i + 1);
                throw error("merge " + i / 2 + " has " + quote(unknown) + ", which is not in the vocabulary");
            }
            int made = made(builder, left, right);
            if (made < 0) {
                throw error("merge " + i / 2 + " makes a token that the vocabulary lacks: "
                        + written(builder, left, right));
            }
            if (!builder.merge(left, right, made)) {
                throw error("merge " + i / 2 + " is a duplicate of an earlier one");
            }
        }
    }

    /** The symbol that a merge makes, or a negative number where the vocabulary lacks it. */
    private int made(VocabularyBuilder builder, int left, int right) {
        return builder.findMerged(left, right);
    }

    private String written(VocabularyBuilder builder, int left, int right) {
        StringBuilder parts = new StringBuilder();
        tokens.forEach((token, id) -> {
            if (id == builder.idOf(left)) {
                parts.insert(0, token);
            }
            if (id == builder.idOf(right)) {
                parts.append(token);
            }
        });
        return quote(parts.toString());
    }

    private Vocabulary vocabulary(VocabularyBuilder builder) {
        Integer start = tokens.get(SPECIAL.start());
        Integer end = tokens.get(SPECIAL.end());
        if (start == null || end == null) {
            throw error("the vocabulary lacks its special tokens");
        }
        return new Vocabulary(builder, SPECIAL, start, end);
    }

    private static String quote(String text) {
        String shown = text.length() > 60 ? text.substring(0, 60) + "…" : text;
        return "\"" + shown.replaceAll("\\p{Cntrl}", "\uFFFD") + "\"";
    }
}
