package jclip;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds the shared fixtures, which may be absent. */
public final class Fixtures {
    private Fixtures() {}

    /** The folder named by the system property {@code jclip.fixtures}, else the one beside the repository. */
    public static Optional<Path> root() {
        String named = System.getProperty("jclip.fixtures");
        Stream<String> places =
                named != null ? Stream.of(named) : Stream.of("../../shared/fixtures", "../shared/fixtures");
        return places.map(Path::of).filter(Files::isDirectory).findFirst();
    }

    /** The case folders below a folder of the fixtures, sorted; empty where the fixtures are absent. */
    public static List<Path> cases(String sub) {
        Path folder = root().map(root -> root.resolve(sub)).orElse(null);
        if (folder == null || !Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.endsWith("case.json"))
                    .map(Path::getParent)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
