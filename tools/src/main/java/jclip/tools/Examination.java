package jclip.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import jclip.backend.Library;
import jclip.image.PictureReader;

/**
 * What {@code doctor} finds on this machine.
 *
 * @param facts by name, in the order in which a person wants to read them
 * @param pass whether this build gives the reference's numbers
 */
record Examination(Map<String, Object> facts, boolean pass) {
    private static final double MEBI = 1 << 20;

    static Examination run() {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put(
                "system",
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                        + System.getProperty("os.arch"));
        facts.put("cpu", lineOf("/proc/cpuinfo", "model name"));
        facts.put("processors", Runtime.getRuntime().availableProcessors());
        facts.put("java", System.getProperty("java.vendor") + " " + System.getProperty("java.version"));
        facts.put("java_heap_limit_mib", Math.round(Runtime.getRuntime().maxMemory() / MEBI));
        facts.put("memory_total", lineOf("/proc/meminfo", "MemTotal"));
        facts.put("memory_available", lineOf("/proc/meminfo", "MemAvailable"));
        facts.put("memory_limit", memoryLimit());
        Library library = Library.cpu();
        facts.put("library", library.path().toString());
        facts.put("library_version", library.version());
        facts.put("isa", library.isa().toString());
        facts.put("isa_best", library.bestIsa().toString());
        facts.put("threads", library.threads());
        facts.put("jpeg", PictureReader.jpegDecoder());
        facts.put("webp", PictureReader.webpDecoder());
        facts.put("devices", "cpu; cuda and emulated are not in this build");
        SelfTest test = SelfTest.run();
        facts.put("parity", test.facts());
        return new Examination(facts, test.pass());
    }

    /** The value behind the colon of the first line that begins so. */
    private static String lineOf(String file, String name) {
        try (Stream<String> lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> line.startsWith(name))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .orElse("unknown");
        } catch (IOException e) {
            return "unknown: " + e.getMessage();
        }
    }

    private static String memoryLimit() {
        for (String file : new String[] {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
            try {
                return Files.readString(Path.of(file)).strip() + " (" + file + ")";
            } catch (IOException e) {
                // The next place; without any there is no limit of this kind.
            }
        }
        return "none found";
    }
}
