package jclip.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A modular application on the module path, in a process of its own. */
class ConsumerTest {
    @Test
    void aModularApplicationUsesTheLibrary(@TempDir Path folder) throws Exception {
        Path sources = Path.of(ConsumerTest.class
                        .getResource("/consumer/module-info.java")
                        .toURI())
                .getParent();
        String path = modulePath();
        int compiled = ToolProvider.findFirst("javac")
                .orElseThrow()
                .run(
                        System.out,
                        System.err,
                        "-d",
                        folder.toString(),
                        "--module-path",
                        path,
                        sources.resolve("module-info.java").toString(),
                        sources.resolve("consumer/Main.java").toString());
        assertThat(compiled).isZero();
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=io.jclip",
                        "--module-path",
                        folder + File.pathSeparator + path,
                        "--module",
                        "consumer/consumer.Main")
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output.lines())
                .containsSequence("io.jclip named=true", "library loaded", "7")
                .anyMatch(line -> line.startsWith("refused: ") && line.contains("does-not-exist"))
                .noneMatch(line -> line.contains("WARNING"));
    }

    /** The library and what it needs, without the test frameworks. */
    private static String modulePath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(p ->
                        List.of("jclip", "java-core", "native", "jackson-core", "jspecify", "twelvemonkeys", "commons-")
                                .stream()
                                .anyMatch(p::contains))
                .filter(p -> !p.contains("jclip-tools") && !p.contains("/tools/target") && !p.contains("/tests/target"))
                .filter(p -> Files.exists(Path.of(p)))
                .collect(Collectors.joining(File.pathSeparator));
    }
}
