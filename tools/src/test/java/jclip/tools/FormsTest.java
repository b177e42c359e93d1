package jclip.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Forms of what is read and written: JSON lines, array files, tables, lines of text. */
class FormsTest {
    @TempDir
    private Path folder;

    @Test
    void jsonNumbersAreNeverNaN() {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("text", "ü \"quoted\"\n");
        line.put("floats", new float[] {0.1f, Float.NaN, Float.POSITIVE_INFINITY});
        line.put("double", 0.1f * 1.0);
        line.put("ids", new int[] {1, 2});
        line.put("list", Arrays.asList(true, null, 3L));
        assertThat(JsonLine.of(line))
                .isEqualTo("{\"text\":\"ü \\\"quoted\\\"\\n\",\"floats\":[0.1,null,null],"
                        + "\"double\":0.10000000149011612,\"ids\":[1,2],\"list\":[true,null,3]}");
    }

    @Test
    void whatIsWrittenCanBeRead() {
        JsonObject object = JsonObject.parse("{\"a\":[1,2],\"b\":{\"c\":\"d\"},\"e\":1.5,\"f\":null,\"g\":true}");
        assertThat(object.integers("a")).containsExactly(1, 2);
        assertThat(object.object("b").string("c")).isEqualTo("d");
        assertThat(object.number("e")).isEqualTo(1.5);
        assertThat(object.has("f")).isFalse();
        assertThat(object.flag("g")).isTrue();
        assertThatThrownBy(() -> object.string("a")).hasMessageContaining("'a'");
        for (String bad : List.of("", "{", "[1", "{\"a\":1,\"a\":2}", "{} {}", "nonsense")) {
            assertThatThrownBy(() -> JsonObject.parseValue(bad)).as(bad).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void arrayFilesHaveNumPysForm() throws IOException {
        Path file = folder.resolve("a.npy");
        NpyFile.write(file, new float[][] {{1, 2, 3}, {4, 5, 6}});
        byte[] bytes = Files.readAllBytes(file);
        assertThat(bytes).hasSize(128 + 24);
        assertThat(Arrays.copyOf(bytes, 8)).containsExactly(0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0);
        assertThat(new String(bytes, 10, 118, StandardCharsets.US_ASCII))
                .startsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }")
                .endsWith(" \n");
        assertThat(Arrays.copyOfRange(bytes, 128, 132)).containsExactly(0, 0, 0x80, 0x3f);
        assertThat(new String(NpyFile.header("|u1", 5), StandardCharsets.US_ASCII))
                .contains("(5,)");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aTableKeepsItsColumns() {
        Table table = new Table("lr", "name", "n");
        table.row("ü", "10");
        table.row("long name", "7");
        assertThat(table.toString()).isEqualTo("name        n\nü          10\nlong name   7\n");
    }

    @Test
    void aLineEndsAtALineFeedOnly() throws IOException {
        byte[] text = "a\rb\u0085\n\nc".getBytes(StandardCharsets.UTF_8);
        try (LineReader reader = new LineReader(new ByteArrayInputStream(text))) {
            assertThat(reader.next()).isEqualTo("a\rb\u0085");
            assertThat(reader.next()).isEmpty();
            assertThat(reader.next()).isEqualTo("c");
            assertThat(reader.next()).isNull();
        }
    }
}
