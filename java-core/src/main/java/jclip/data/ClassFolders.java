package jclip.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A folder of pictures for each class: sorted by name, the place is the label. */
final class ClassFolders {
    private ClassFolders() {}

    /** The folders of the classes; none where this is no such folder. */
    static List<Path> classes(Path root) {
        try (Stream<Path> found = Files.list(root)) {
            return found.filter(Files::isDirectory)
                    .filter(folder -> !Shards.fileName(folder).startsWith("."))
                    .sorted()
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            throw new DataException(root + ": cannot be listed: " + e, e);
        }
    }

    /** With prompts: classes.txt, where there is one a folder, else their names; templates.txt, else the bare name. */
    static Dataset open(Path root) {
        List<Path> folders = classes(root);
        List<FileSet.Entry> entries = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (Path folder : folders) {
            List<Path> pictures = pictures(folder);
            if (pictures.isEmpty()) {
                throw new DataException(folder + ": holds no pictures, though " + root
                        + " is read as a folder of pictures for each class");
            }
            pictures.forEach(file -> entries.add(new FileSet.Entry(file, List.of(), names.size())));
            names.add(Shards.fileName(folder).replace('_', ' '));
        }
        return new FileSet(entries, Map.of()).withPrompts(prompts(root, names));
    }

    private static Prompts prompts(Path root, List<String> names) {
        Path classes = root.resolve("classes.txt");
        Path templates = root.resolve("templates.txt");
        Path known = Files.isRegularFile(templates) ? templates : null;
        if (Files.isRegularFile(classes)) {
            Prompts prompts = Prompts.read(classes, known);
            if (prompts.classes().size() != names.size()) {
                throw new DataException(classes + ": has " + prompts.classes().size() + " lines for " + names.size()
                        + " folders; wanted a line for each, in the order of their names");
            }
            return prompts;
        }
        return known == null ? new Prompts(names, List.of(Prompts.BARE)) : Prompts.withTemplates(names, known);
    }

    private static List<Path> pictures(Path folder) {
        try (Stream<Path> found = Files.walk(folder)) {
            return found.filter(Files::isRegularFile)
                    .filter(ClassFolders::isPicture)
                    .sorted()
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            throw new DataException(folder + ": cannot be listed: " + e, e);
        }
    }

    private static boolean isPicture(Path file) {
        String name = Shards.fileName(file);
        return !name.startsWith(".") && Member.of(name.substring(name.lastIndexOf('.') + 1)) == Member.PICTURE;
    }
}
