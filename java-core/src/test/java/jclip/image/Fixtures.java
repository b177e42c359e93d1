package jclip.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** The shared case folders, where they are. */
final class Fixtures {
    private Fixtures() {}

    /** All case.json below the fixtures' root, sorted; none if there is no such folder. */
    static List<Path> cases(String folder) {
        for (String root :
                new String[] {System.getProperty("jclip.fixtures", ""), "../../shared/fixtures", "../shared/fixtures"
                }) {
            Path path = Path.of(root, folder);
            if (!root.isEmpty() && Files.isDirectory(path)) {
                try (Stream<Path> files = Files.walk(path)) {
                    return files.filter(f -> f.endsWith("case.json")).sorted().toList();
                } catch (IOException e) {
                    throw new IllegalStateException("cannot list " + path, e);
                }
            }
        }
        return List.of();
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
