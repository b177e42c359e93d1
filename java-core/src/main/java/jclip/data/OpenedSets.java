package jclip.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds out what a name stands for and opens it. */
final class OpenedSets {
    private OpenedSets() {}

    static Dataset open(List<String> names) {
        List<Dataset> sets = new ArrayList<>();
        try {
            for (String name : names) {
                for (String one : name.split("::", -1)) {
                    sets.add(openOne(one));
                }
            }
            return Concatenation.of(sets);
        } catch (RuntimeException | Error e) {
            sets.forEach(Dataset::close);
            throw e;
        }
    }

    private static Dataset openOne(String name) {
        Path path = Path.of(name);
        if (Tables.isTable(path)) {
            return Tables.open(path, null, null);
        }
        if (!isOfShards(name)) {
            return ClassFolders.open(path);
        }
        List<Path> shards = Shards.resolve(name);
        Dataset set = ShardSet.open(shards);
        Path folder = shards.getFirst().toAbsolutePath().getParent();
        if (folder == null || !needsPrompts(set) || !Files.isRegularFile(folder.resolve("classes.txt"))) {
            return set;
        }
        Path templates = folder.resolve("templates.txt");
        try {
            return set.withPrompts(
                    Prompts.read(folder.resolve("classes.txt"), Files.isRegularFile(templates) ? templates : null));
        } catch (RuntimeException | Error e) {
            set.close();
            throw e;
        }
    }

    /** Whether a name is neither that of a table nor of a folder of classes. */
    static boolean isOfShards(String name) {
        Path path = Path.of(name);
        boolean folder = !name.isBlank() && Files.isDirectory(path);
        boolean classes = folder
                && Shards.inFolder(path).isEmpty()
                && !ClassFolders.classes(path).isEmpty();
        return !Tables.isTable(path) && !classes;
    }

    private static boolean needsPrompts(Dataset set) {
        for (int i = 0; i < set.size(); i++) {
            if (set.captionCount(i) == 0) {
                return true;
            }
        }
        return false;
    }
}
