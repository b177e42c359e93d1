package jclip.data;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a table of pictures and captions. Rows of the same picture are one sample with several captions, at the place
 * of its first row. Files are looked for when it is their turn.
 */
final class Tables {
    private static final List<String> PICTURE =
            List.of("filepath", "path", "image", "image_path", "file", "filename", "file_name", "img");
    private static final List<String> CAPTION = List.of("title", "caption", "text", "description", "captions");

    private final Path table;
    private final Map<String, List<String>> captions = new LinkedHashMap<>();
    private final Map<Defect, Long> drops = new EnumMap<>(Defect.class);

    private Tables(Path table) {
        this.table = table;
    }

    static boolean isTable(Path file) {
        String name = Shards.fileName(file).toLowerCase(Locale.ROOT);
        return name.endsWith(".csv") || name.endsWith(".tsv");
    }

    static Dataset open(Path table, @Nullable String pictureColumn, @Nullable String captionColumn) {
        char separator = Shards.fileName(table).toLowerCase(Locale.ROOT).endsWith(".csv") ? ',' : '\t';
        Tables reading = new Tables(table);
        try (TableReader rows = new TableReader(Files.newBufferedReader(table), separator)) {
            reading.read(rows, pictureColumn, captionColumn);
        } catch (CharacterCodingException e) {
            throw new DataException(table + ": is not UTF-8", e);
        } catch (IOException e) {
            throw new DataException(table + ": cannot be read: " + e, e);
        } catch (DataException e) {
            String message = String.valueOf(e.getMessage());
            throw message.contains(table.toString()) ? e : new DataException(table + ": " + message, e);
        }
        return reading.set();
    }

    private void read(TableReader rows, @Nullable String pictureColumn, @Nullable String captionColumn)
            throws IOException {
        List<String> header = rows.next();
        if (header == null) {
            throw new DataException(table + ": is empty; wanted a line of column names");
        }
        int picture = column(header, pictureColumn, PICTURE, "picture");
        int caption = column(header, captionColumn, CAPTION, "caption");
        for (List<String> row = rows.next(); row != null; row = rows.next()) {
            if (row.size() != header.size()) {
                drop(Defect.BAD_TEXT);
            } else if (row.get(picture).isBlank()) {
                drop(Defect.NO_PICTURE);
            } else if (row.get(caption).isBlank()) {
                drop(Defect.NO_CAPTION);
            } else {
                captions.computeIfAbsent(row.get(picture).strip(), path -> new ArrayList<>(1))
                        .add(row.get(caption).strip());
            }
        }
    }

    private void drop(Defect defect) {
        drops.merge(defect, 1L, Long::sum);
    }

    private int column(List<String> header, @Nullable String wanted, List<String> usual, String what) {
        List<String> names = header.stream().map(String::strip).toList();
        List<String> candidates = wanted == null ? usual : List.of(wanted);
        for (String candidate : candidates) {
            for (int i = 0; i < names.size(); i++) {
                if (wanted == null
                        ? names.get(i).equalsIgnoreCase(candidate)
                        : names.get(i).equals(candidate)) {
                    return i;
                }
            }
        }
        throw new DataException(table + ": has no " + what + " column: columns " + names + ", wanted "
                + (wanted == null ? "one of " + usual + "; name it" : "'" + wanted + "'"));
    }

    private Dataset set() {
        if (captions.isEmpty()) {
            throw new DataException(table + ": holds no row that can be used: left out " + drops);
        }
        Path folder = table.toAbsolutePath().getParent();
        List<FileSet.Entry> entries = new ArrayList<>();
        captions.forEach((name, texts) ->
                entries.add(new FileSet.Entry(folder == null ? Path.of(name) : folder.resolve(name), texts, -1)));
        return new FileSet(entries, drops);
    }
}
