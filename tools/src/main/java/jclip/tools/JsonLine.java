package jclip.tools;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One JSON value as a line of text. Numbers that are not finite become null: JSON has none. */
public final class JsonLine {
    private static final JsonFactory FACTORY = new JsonFactory();

    private JsonLine() {}

    /** Of maps (in their order), lists, arrays of numbers, texts, numbers, truth values and nulls. */
    public static String of(@Nullable Object value) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = FACTORY.createGenerator(text)) {
            write(out, value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private static void write(JsonGenerator out, @Nullable Object value) throws IOException {
        switch (value) {
            case null -> out.writeNull();
            case String text -> out.writeString(text);
            case Boolean flag -> out.writeBoolean(flag);
            case Integer number -> out.writeNumber(number);
            case Long number -> out.writeNumber(number);
            case Float number -> real(out, number, number);
            case Double number -> real(out, number, (float) (double) number);
            case int[] array -> out.writeArray(array, 0, array.length);
            case float[] array -> {
                out.writeStartArray();
                for (float number : array) {
                    write(out, number);
                }
                out.writeEndArray();
            }
            case List<?> list -> {
                out.writeStartArray();
                for (Object item : list) {
                    write(out, item);
                }
                out.writeEndArray();
            }
            case JsonObject object -> write(out, object.fields());
            case Map<?, ?> map -> {
                out.writeStartObject();
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    out.writeFieldName(String.valueOf(entry.getKey()));
                    write(out, entry.getValue());
                }
                out.writeEndObject();
            }
            default -> out.writeString(value.toString());
        }
    }

    private static void real(JsonGenerator out, Number number, float narrow) throws IOException {
        if (!Double.isFinite(number.doubleValue())) {
            out.writeNull();
        } else if (number instanceof Float) {
            out.writeNumber(narrow);
        } else {
            out.writeNumber(number.doubleValue());
        }
    }
}
