package jclip.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import jclip.backend.Isa;

/**
 * The kind of machine that figures belong to: processor, what it can do and how many processors there are. Ratios of two machines of one
 * kind may be compared; times may not.
 *
 * @param processor the processor's own name for itself
 * @param kind short, usable as a folder's name
 */
record Machine(String processor, String kind) {
    static Machine here(Isa best) {
        Map<String, String> first = new HashMap<>();
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                String[] pair = line.split("\\s*:\\s*", 2);
                if (pair.length == 2) {
                    first.putIfAbsent(pair[0], pair[1]);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return of(first, best, Runtime.getRuntime().availableProcessors());
    }

    static Machine of(Map<String, String> cpu, Isa best, int processors) {
        String name = cpu.getOrDefault("model name", "unknown");
        int family = Integer.parseInt(cpu.getOrDefault("cpu family", "0"));
        int model = Integer.parseInt(cpu.getOrDefault("model", "0"));
        String slug = name.replaceAll("\\((R|TM|r|tm)\\)|CPU|Processor|[0-9]+-Core|@.*", " ")
                .trim()
                .toLowerCase(Locale.ROOT);
        String kind =
                slug.replaceAll("[^a-z0-9]+", "-") + "-" + generation(family, model, best) + "-" + processors + "c";
        return new Machine(name, kind);
    }

    /** Zen's generations by name, which says what they can do; else the instruction set. */
    private static String generation(int family, int model, Isa best) {
        boolean zen4 = family == 25 && (model >> 4 == 1 || model >> 4 == 6 || model >> 4 == 7 || model >> 4 == 10);
        return zen4 ? "zen4" : family == 25 ? "zen3" : family == 26 ? "zen5" : best.toString();
    }

    /** The load average of the last minute: how busy others kept the machine. */
    static String load() {
        try {
            return Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
