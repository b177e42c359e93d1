package jclip.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import jclip.tools.fixtures.FixtureCase;
import jclip.tools.fixtures.FixtureResult;
import jclip.tools.fixtures.FixtureRun;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The reference's numbers: every case folder of the fixtures, from its own metadata, through what {@code doctor --fixtures} runs. */
class FixturesTest {
    private final FixtureRun run = new FixtureRun(Boolean.getBoolean("jclip.full"));

    @TestFactory
    Stream<DynamicContainer> everyCase() {
        Path root = Path.of(System.getProperty("jclip.fixtures"));
        if (!Files.isDirectory(root)) {
            System.out.println(
                    "no fixtures at " + root + ": parity is proven by the small fixtures of the modules alone");
            return Stream.empty();
        }
        return Stream.of("models", "tokenizer", "preprocess", "bad", "metrics", "training")
                .filter(group -> Files.isDirectory(root.resolve(group)))
                .map(group -> DynamicContainer.dynamicContainer(group, cases(root.resolve(group))));
    }

    private Stream<DynamicTest> cases(Path group) {
        List<Path> folders = FixtureCase.find(group);
        assertThat(folders).as("cases under %s", group).isNotEmpty();
        return folders.stream()
                .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> check(folder)));
    }

    private void check(Path folder) {
        FixtureResult result = run.run(FixtureCase.read(folder));
        if (result.pass() == null) {
            System.out.println("skipped " + result.name() + ": " + result.why());
            Assumptions.abort(result.why());
        }
        if (result.error() != null) {
            System.out.printf("%-40s error %.3g of %.3g%n", result.name(), result.error(), result.tolerance());
        }
        assertThat(result.pass()).as("%s", result).isTrue();
    }
}
