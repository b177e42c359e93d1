package jclip.data;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names of shards and the files that they stand for. */
public final class Shards {
    /** More files than any set has; a pattern that asks for more is a slip. */
    private static final int MOST = 1_000_000;

    private static final Pattern RANGE = Pattern.compile("\\{(\\d{1,9})\\.\\.(\\d{1,9})}");

    private Shards() {}

    /**
     * The files of a folder (all its {@code .tar}, {@code .tar.gz} and {@code .tgz}, sorted by name), of a file, or of
     * a pattern with ranges like {@code {000..012}}; several of these with {@code ::} between, in this order.
     *
     * @throws DataException if one of them does not exist, or a folder has no shards
     */
    public static List<Path> resolve(String names) {
        List<Path> files = new ArrayList<>();
        for (String name : names.split("::", -1)) {
            if (name.isBlank()) {
                throw new DataException("'" + names + "': an empty name of shards");
            }
            List<String> expanded = new ArrayList<>();
            expand(name, expanded);
            for (String one : expanded) {
                add(Path.of(one), files);
            }
        }
        return List.copyOf(files);
    }

    private static void add(Path path, List<Path> files) {
        if (Files.isDirectory(path)) {
            List<Path> found = inFolder(path);
            if (found.isEmpty()) {
                throw new DataException(path + ": the folder holds no .tar or .tar.gz");
            }
            files.addAll(found);
        } else if (Files.isRegularFile(path)) {
            files.add(path);
        } else {
            throw new DataException(path + ": there is no such file or folder");
        }
    }

    /** The shards of a folder by name; none is no error. */
    static List<Path> inFolder(Path folder) {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                if (isShard(file) && Files.isRegularFile(file)) {
                    found.add(file);
                }
            }
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be listed: " + e, e);
        }
        Collections.sort(found);
        return found;
    }

    static boolean isShard(Path file) {
        String name = fileName(file).toLowerCase(Locale.ROOT);
        return !name.startsWith(".") && (name.endsWith(".tar") || name.endsWith(".tar.gz") || name.endsWith(".tgz"));
    }

    static String fileName(Path file) {
        Path name = file.getFileName();
        return name == null ? "" : name.toString();
    }

    private static void expand(String name, List<String> out) {
        Matcher range = RANGE.matcher(name);
        if (!range.find()) {
            out.add(name);
            return;
        }
        int first = Integer.parseInt(range.group(1));
        int last = Integer.parseInt(range.group(2));
        if (last < first || last - first >= MOST - out.size()) {
            throw new DataException("'" + name + "': the range " + range.group() + " names "
                    + (last < first ? "nothing" : "more than " + MOST + " files"));
        }
        for (int i = first; i <= last; i++) {
            String number = String.format(Locale.ROOT, "%0" + range.group(1).length() + "d", i);
            expand(name.substring(0, range.start()) + number + name.substring(range.end()), out);
        }
    }
}
