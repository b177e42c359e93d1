package jclip.image;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** What tests over the shared picture cases have in common. */
final class Fixtures {
    private Fixtures() {}

    /** All case.json below a folder of the fixtures, sorted; none if there is no such folder. */
    static List<Path> cases(String folder) {
        return jclip.Fixtures.cases(folder).stream()
                .map(f -> f.resolve("case.json"))
                .toList();
    }

    /** Skips the test with a printed reason, unless the condition holds. */
    static void skipUnless(boolean condition, String reason) {
        if (!condition) {
            System.out.println("skipped: " + reason);
        }
        assumeTrue(condition, reason);
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
