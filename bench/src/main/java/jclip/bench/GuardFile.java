package jclip.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The stored ratios of a machine kind: JSON, {@code {"machine": …, "cases": [{"line": …, "isa": …, "share": …, "plain": …}]}}. */
final class GuardFile {
    /** A stored pair of ratios. */
    record Stored(double share, double plain) {}

    private GuardFile() {}

    /** By {@link Measurement#key}. */
    static Map<String, Stored> read(Path file) throws IOException {
        Map<String, Stored> stored = new LinkedHashMap<>();
        try (JsonParser json = new JsonFactory().createParser(Files.newBufferedReader(file))) {
            Map<String, String> fields = new LinkedHashMap<>();
            boolean inCase = false;
            for (JsonToken token = json.nextToken(); token != null; token = json.nextToken()) {
                if (token == JsonToken.START_OBJECT) {
                    inCase = json.getParsingContext().getParent().inArray();
                    fields.clear();
                } else if (inCase && token.isScalarValue()) {
                    fields.put(json.currentName(), json.getText());
                } else if (inCase && token == JsonToken.END_OBJECT) {
                    stored.put(
                            fields.get("isa") + " " + fields.get("line"),
                            new Stored(
                                    Double.parseDouble(fields.get("share")), Double.parseDouble(fields.get("plain"))));
                    inCase = false;
                }
            }
        }
        return stored;
    }

    static void write(Path file, Map<String, String> head, List<Measurement> measurements) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        try (JsonGenerator json = new JsonFactory().createGenerator(Files.newBufferedWriter(file))) {
            json.useDefaultPrettyPrinter();
            json.writeStartObject();
            for (Map.Entry<String, String> entry : head.entrySet()) {
                json.writeStringField(entry.getKey(), entry.getValue());
            }
            json.writeArrayFieldStart("cases");
            for (Measurement m : measurements) {
                json.writeStartObject();
                json.writeStringField("line", m.line());
                json.writeStringField("isa", m.isa().toString());
                ratio(json, "share", m.share());
                ratio(json, "plain", m.plain());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
            json.writeRaw('\n');
        }
    }

    private static void ratio(JsonGenerator json, String name, Ratio ratio) throws IOException {
        json.writeNumberField(name, rounded(ratio.median()));
        json.writeNumberField(name + "_low", rounded(ratio.low()));
        json.writeNumberField(name + "_high", rounded(ratio.high()));
    }

    private static double rounded(double value) {
        return Math.round(value * 1000) / 1000.0;
    }
}
