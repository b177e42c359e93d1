package jclip.backend;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** What {@code /proc/self/mounts} says of a file's mount: the usual reason why an unpacked library does not load. */
final class Mounts {
    private Mounts() {}

    static boolean isNoexec(Path file) {
        List<String> lines;
        try {
            lines = Files.readAllLines(Path.of("/proc/self/mounts"), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return false;
        }
        Path absolute = file.toAbsolutePath().normalize();
        int best = -1;
        boolean noexec = false;
        for (String line : lines) {
            String[] parts = line.split(" ");
            if (parts.length < 4 || !absolute.startsWith(parts[1].replace("\\040", " "))) {
                continue;
            }
            int depth = Path.of(parts[1]).getNameCount();
            if (depth >= best) {
                best = depth;
                noexec = Arrays.asList(parts[3].split(",")).contains("noexec");
            }
        }
        return noexec;
    }
}
