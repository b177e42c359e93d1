package jclip.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import jclip.Fixtures;
import org.junit.jupiter.api.Test;

/**
 * The data files are the shared tables in another notation. This is how they are made: where a table changes, the lines
 * that are wanted here are the new file.
 */
class TablesTest {
    private static Json table(String name) {
        Path file = Fixtures.root()
                .orElse(Path.of("absent"))
                .resolve("tokenizer/tables")
                .resolve(name);
        assumeTrue(Files.exists(file), "shared tables absent, nothing compared");
        return Json.read(file);
    }

    private static String hex(Object codePoint) {
        return String.format(Locale.ROOT, "%X", (Integer) codePoint);
    }

    private static String hexText(String text) {
        return text.codePoints().mapToObj(TablesTest::hex).collect(Collectors.joining(" "));
    }

    private static List<String> ranges(List<?> ranges) {
        List<String> written = new ArrayList<>();
        for (Object range : ranges) {
            List<?> ends = (List<?>) range;
            boolean one = ends.get(0).equals(ends.get(1));
            written.add(one ? hex(ends.get(0)) : hex(ends.get(0)) + "-" + hex(ends.get(1)));
        }
        return written;
    }

    private static String rangesOf(Json table, String name) {
        return String.join(" ", ranges(table.list(name)));
    }

    @Test
    void classes() {
        Json table = table("token_classes.json");
        assertThat(Tables.lines("classes.txt"))
                .startsWith(
                        "letter " + rangesOf(table, "L"),
                        "number " + rangesOf(table, "N"),
                        "pattern-space " + rangesOf(table, "S"),
                        "dropped " + rangesOf(table, "dropped"),
                        "space " + rangesOf(table, "python_split_space"));
        CodePointSet.parse(rangesOf(table, "java25_lower_differs"))
                .forEach(c -> assertThat(CodePointClasses.isUnassigned(c)).isTrue());
    }

    @Test
    void mojibake() {
        Json badness = table("badness.json");
        Json clues = table("utf8_clues.json").object("classes");
        List<String> wanted = new ArrayList<>();
        Json categories = badness.object("categories");
        categories.names().forEach(name -> wanted.add(name + " " + rangesOf(categories, name)));
        clues.names().forEach(name -> wanted.add(name + " " + rangesOf(clues, name)));
        for (Object rule : badness.list("rules")) {
            wanted.add(((List<?>) rule)
                    .stream().map(element -> element((Json) element)).collect(Collectors.joining(" ", "rule ", "")));
        }
        assertThat(Tables.lines("mojibake.txt")).isEqualTo(wanted);
    }

    private static String element(Json element) {
        List<String> parts = new ArrayList<>(element.has("categories") ? element.texts("categories") : List.of());
        if (element.has("chars")) {
            element.list("chars").forEach(c -> parts.add(hex(c)));
        }
        parts.addAll(element.has("ranges") ? ranges(element.list("ranges")) : List.of());
        if (element.has("builtin")) {
            parts.add("@" + element.text("builtin").replace('_', '-'));
        }
        return (element.flag("negated") ? "!" : "") + String.join(",", parts) + (element.flag("optional") ? "?" : "");
    }

    @Test
    void encodings() {
        Json table = table("single_byte_encodings.json");
        List<String> wanted = new ArrayList<>();
        for (Object encoding : table.list("encodings")) {
            Json json = (Json) encoding;
            assertThat(json.flag("sloppy")).isEqualTo(json.number("byte_1a") == 0xFFFD);
            wanted.add(json.text("name") + " " + line(json.list("high_half")));
        }
        wanted.add("windows-1252-strict " + line(table.list("windows_1252_strict")));
        assertThat(Tables.lines("encodings.txt")).isEqualTo(wanted);
    }

    private static String line(List<?> codePoints) {
        return codePoints.stream().map(c -> c.equals(-1) ? "-" : hex(c)).collect(Collectors.joining(" "));
    }

    @Test
    void replacements() {
        Json table = table("simple_maps.json");
        List<String> wanted = new ArrayList<>();
        for (String section : List.of("ligatures", "width")) {
            wanted.add("[" + section + "]");
            Json map = table.object(section);
            map.names().forEach(c -> wanted.add(hex(Integer.parseInt(c, 16)) + " " + hexText(map.text(c))));
        }
        wanted.addAll(List.of("[single-quotes]", rangesOf(table, "single_quotes")));
        wanted.addAll(List.of("[double-quotes]", rangesOf(table, "double_quotes")));
        assertThat(Tables.lines("replacements.txt")).isEqualTo(wanted);
        CodePointSet removed = CodePointSet.parse(rangesOf(table, "control_removed"));
        for (char c = 0; c < 0xFFFF; c++) {
            assertThat(TextRepair.isControl(c)).as("U+%04X", (int) c).isEqualTo(removed.contains(c));
        }
    }

    @Test
    void entities() {
        Json table = table("html_entities.json");
        List<String> wanted = new ArrayList<>(List.of("[html]"));
        Json html = table.object("html5");
        html.names().forEach(name -> wanted.add(name + " " + hexText(html.text(name))));
        wanted.add("[upper]");
        Json upper = table.object("ftfy_upper");
        upper.names().forEach(name -> wanted.add(name.substring(1) + " " + hexText(upper.text(name))));
        wanted.add("[invalid-references]");
        Json invalid = table.object("invalid_charrefs");
        invalid.names().forEach(name -> wanted.add(name.toUpperCase(Locale.ROOT) + " " + hexText(invalid.text(name))));
        wanted.addAll(List.of("[invalid-code-points]", rangesOf(table, "invalid_codepoints")));
        assertThat(Tables.lines("entities.txt")).isEqualTo(wanted);
    }
}
