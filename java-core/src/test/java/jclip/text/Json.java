package jclip.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A JSON object of a fixture, read whole. */
final class Json {
    private static final JsonFactory FACTORY = new JsonFactory();
    private final Map<String, @Nullable Object> fields;

    private Json(Map<String, @Nullable Object> fields) {
        this.fields = fields;
    }

    static Json parse(String text) {
        try (JsonParser in = FACTORY.createParser(text)) {
            in.nextToken();
            return (Json) value(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Json read(Path file) {
        try {
            return parse(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Json> lines(Path file) {
        try {
            return Files.readAllLines(file).stream().map(Json::parse).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static @Nullable Object value(JsonParser in) throws IOException {
        return switch (in.currentToken()) {
            case START_OBJECT -> {
                Map<String, @Nullable Object> fields = new LinkedHashMap<>();
                while (in.nextToken() != JsonToken.END_OBJECT) {
                    String name = in.currentName();
                    in.nextToken();
                    fields.put(name, value(in));
                }
                yield new Json(fields);
            }
            case START_ARRAY -> {
                List<@Nullable Object> values = new ArrayList<>();
                while (in.nextToken() != JsonToken.END_ARRAY) {
                    values.add(value(in));
                }
                yield values;
            }
            case VALUE_NUMBER_INT -> in.getNumberValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            default -> in.getText();
        };
    }

    boolean has(String name) {
        return fields.get(name) != null;
    }

    String text(String name) {
        if (!(fields.get(name) instanceof String text)) {
            throw new AssertionError("no text '" + name + "' in " + fields);
        }
        return text;
    }

    String text(String name, String otherwise) {
        return has(name) ? text(name) : otherwise;
    }

    int number(String name) {
        if (!(fields.get(name) instanceof Integer number)) {
            throw new AssertionError("no number '" + name + "' in " + fields);
        }
        return number;
    }

    boolean flag(String name) {
        return Boolean.TRUE.equals(fields.get(name));
    }

    int[] numbers(String name) {
        return list(name).stream().mapToInt(value -> (Integer) value).toArray();
    }

    List<String> texts(String name) {
        return list(name).stream().map(String.class::cast).toList();
    }

    /** The names of the fields in their order. */
    List<String> names() {
        return List.copyOf(fields.keySet());
    }

    Json object(String name) {
        if (!(fields.get(name) instanceof Json object)) {
            throw new AssertionError("no object '" + name + "' in " + fields);
        }
        return object;
    }

    List<?> list(String name) {
        if (!(fields.get(name) instanceof List<?> values)) {
            throw new AssertionError("no list '" + name + "' in " + fields);
        }
        return values;
    }
}
