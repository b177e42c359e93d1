package jclip.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Class names and the sentences that they are put into. Immutable.
 *
 * @param classes names in the order of the labels
 * @param templates sentences with {@code {}} where the name goes, at least one
 */
public record Prompts(List<String> classes, List<String> templates) {
    /** A template that is the class name and nothing else. */
    public static final String BARE = "{}";

    /** Checks that there are classes and templates. */
    public Prompts {
        classes = List.copyOf(classes);
        templates = List.copyOf(templates);
        if (classes.isEmpty() || templates.isEmpty()) {
            throw new IllegalArgumentException(
                    classes.size() + " classes and " + templates.size() + " templates, wanted at least one of each");
        }
        for (String template : templates) {
            if (!template.contains(BARE)) {
                throw new IllegalArgumentException("template '" + template + "' has no {} for the class name");
            }
        }
    }

    /**
     * Reads a class a line, and a template a line where a file is given; else the name alone is the sentence. Blank
     * lines at the end of the classes and all blank lines of the templates are left out.
     *
     * @throws DataException if a file cannot be read or holds nothing
     */
    public static Prompts read(Path classes, @Nullable Path templates) {
        List<String> names = lines(classes).stream().map(String::strip).toList();
        int count = names.size();
        while (count > 0 && names.get(count - 1).isEmpty()) {
            count--;
        }
        if (count == 0) {
            throw new DataException(classes + ": holds no class name; wanted one a line");
        }
        return templates == null
                ? new Prompts(names.subList(0, count), List.of(BARE))
                : withTemplates(names.subList(0, count), templates);
    }

    static Prompts withTemplates(List<String> classes, Path templates) {
        List<String> sentences = lines(templates).stream()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
        try {
            return new Prompts(classes, sentences);
        } catch (IllegalArgumentException e) {
            throw new DataException(templates + ": " + e.getMessage(), e);
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + e, e);
        }
    }

    /** The sentence of a label by a template. */
    public String of(int label, int template) {
        return templates.get(template).replace(BARE, classes.get(label));
    }
}
