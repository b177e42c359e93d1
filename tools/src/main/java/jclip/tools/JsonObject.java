package jclip.tools;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A JSON object read whole. Its values are JsonObject, List, String, Long, Double, Boolean or null. Immutable. */
public final class JsonObject {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private final Map<String, @Nullable Object> fields;

    private JsonObject(Map<String, @Nullable Object> fields) {
        this.fields = fields;
    }

    /**
     * Reads one object.
     *
     * @throws IllegalArgumentException if the text is no JSON object
     */
    public static JsonObject parse(String text) {
        return parseValue(text) instanceof JsonObject object ? object : fail("no JSON object: " + text);
    }

    /**
     * Reads one value of any type.
     *
     * @throws IllegalArgumentException if the text is not exactly one JSON value
     */
    public static @Nullable Object parseValue(String text) {
        try (JsonParser in = FACTORY.createParser(text)) {
            if (in.nextToken() == null) {
                throw new IllegalArgumentException("no JSON: the text is empty");
            }
            Object value = value(in);
            if (in.nextToken() != null) {
                throw new IllegalArgumentException("more than one JSON value");
            }
            return value;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("no sound JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonObject fail(String message) {
        throw new IllegalArgumentException(message);
    }

    /** Reads a file that holds one object. */
    public static JsonObject read(Path file) {
        try {
            return parse(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    /** Reads a file of one object a line. */
    public static List<JsonObject> readLines(Path file) {
        try {
            return Files.readAllLines(file).stream().map(JsonObject::parse).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static @Nullable Object value(JsonParser in) throws IOException {
        return switch (in.currentToken()) {
            case START_OBJECT -> object(in);
            case START_ARRAY -> {
                List<@Nullable Object> list = new ArrayList<>();
                while (in.nextToken() != JsonToken.END_ARRAY) {
                    list.add(value(in));
                }
                yield list;
            }
            case VALUE_STRING -> in.getText();
            case VALUE_NUMBER_INT -> in.getLongValue();
            case VALUE_NUMBER_FLOAT -> in.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> null;
        };
    }

    private static JsonObject object(JsonParser in) throws IOException {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String name = in.currentName();
            in.nextToken();
            fields.put(name, value(in));
        }
        return new JsonObject(fields);
    }

    Map<String, @Nullable Object> fields() {
        return fields;
    }

    /** Names in the text's order. */
    public List<String> names() {
        return List.copyOf(fields.keySet());
    }

    /** Whether the field is there and not null. */
    public boolean has(String name) {
        return fields.get(name) != null;
    }

    /** The field's value, or null. */
    public @Nullable Object get(String name) {
        return fields.get(name);
    }

    /** A text. */
    public String string(String name) {
        return get(name, String.class);
    }

    /** A text, or what stands in for it. */
    public String string(String name, String otherwise) {
        return has(name) ? string(name) : otherwise;
    }

    /** An integer. */
    public int integer(String name) {
        return Math.toIntExact(get(name, Long.class));
    }

    /** A number. */
    public double number(String name) {
        return get(name, Number.class).doubleValue();
    }

    /** A truth value. */
    public boolean flag(String name) {
        return get(name, Boolean.class);
    }

    /** An object. */
    public JsonObject object(String name) {
        return get(name, JsonObject.class);
    }

    /** A list. */
    public List<?> list(String name) {
        return get(name, List.class);
    }

    /** A list of texts. */
    public List<String> strings(String name) {
        return list(name).stream()
                .map(value -> (String) Objects.requireNonNull(value))
                .toList();
    }

    /** A list of integers. */
    public int[] integers(String name) {
        return list(name).stream()
                .mapToInt(value -> Math.toIntExact((Long) Objects.requireNonNull(value)))
                .toArray();
    }

    private <T> T get(String name, Class<T> type) {
        Object value = fields.get(name);
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException(
                    "field '" + name + "' is " + value + "; wanted a " + type.getSimpleName());
        }
        return type.cast(value);
    }
}
