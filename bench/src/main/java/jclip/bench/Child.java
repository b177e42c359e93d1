package jclip.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** A {@link FirstEmbedding} in a process of its own. */
final class Child {
    /**
     * What it said.
     *
     * @param toFirst milliseconds from asking the system for the process to the first embedding
     * @param inMain of these, since its main was entered
     * @param processor milliseconds that its threads together computed until then
     */
    record Answer(double toFirst, double inMain, long peakKibibytes, double processor) {}

    private Child() {}

    /** @param options of the JVM */
    static Answer run(List<String> options, Path checkpoint, int pictures) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of(
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                FirstEmbedding.class.getName(),
                checkpoint.toString(),
                Integer.toString(pictures)));
        Instant start = Instant.now();
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
        try {
            if (process.waitFor() != 0) {
                throw new IllegalStateException(
                        "exit status " + process.exitValue() + " of " + String.join(" ", command));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        // The JVM prints on the same stream, while it makes an AOT cache.
        String[] words = answer.lines()
                .filter(line -> line.startsWith(FirstEmbedding.ANSWER + " "))
                .findFirst()
                .orElseThrow()
                .split(" ");
        long startNanos = start.getEpochSecond() * 1_000_000_000L + start.getNano();
        return new Answer(
                1e-6 * (Long.parseLong(words[1]) - startNanos),
                Double.parseDouble(words[2]),
                Long.parseLong(words[3]),
                Double.parseDouble(words[4]));
    }
}
