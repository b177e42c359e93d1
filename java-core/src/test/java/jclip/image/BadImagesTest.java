package jclip.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every bad picture of the fixtures: refused with our exception or read, as its case says, in bounded time and memory.
 */
class BadImagesTest {
    /** Far above what any of these small files may need, far below what their headers ask for. */
    private static final long MOST_BYTES = 64L << 20;

    @TestFactory
    List<DynamicTest> cases() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.cases("bad")) {
            Map<String, Object> metadata = Json.read(file);
            if (metadata.get("kind").equals("image")) {
                String name = file.getParent().getFileName().toString();
                tests.add(DynamicTest.dynamicTest(name, () -> run(file.getParent(), metadata)));
            }
        }
        if (tests.isEmpty()) {
            tests.add(
                    DynamicTest.dynamicTest("no fixtures", () -> Fixtures.skipUnless(false, "no folder fixtures/bad")));
        }
        return tests;
    }

    private static void run(Path folder, Map<String, Object> metadata) throws IOException {
        Path image = folder.resolve((String) metadata.get("file"));
        String must = (String) metadata.get("must");
        String problem = outcome(() -> Preprocessor.openai(224).toRgb(Picture.read(image)));
        if (must.equals("reject")) {
            assertThat(problem)
                    .as("must be refused")
                    .isNotNull()
                    .contains(image.getFileName().toString());
            String lower = problem.toLowerCase(Locale.ROOT);
            assertThat((List<?>) metadata.get("error_about"))
                    .as(problem)
                    .anyMatch(word -> lower.contains(((String) word).toLowerCase(Locale.ROOT)));
        } else if (must.equals("accept")) {
            assertThat(problem).as("must be read").isNull();
        }
        Bytes bytes = new Bytes(Files.readAllBytes(image), "without libjpeg-turbo");
        if (JpegHeader.accepts(bytes)) {
            String other =
                    outcome(() -> ImageIoDecoder.jpeg(bytes, JpegHeader.read(bytes, PictureReader.DEFAULT_MAX_PIXELS)));
            if (!must.equals("either")) {
                assertThat(other == null).as("without libjpeg-turbo: " + other).isEqualTo(must.equals("accept"));
            }
        }
    }

    /** Null, or the message of the refusal; anything else thrown fails the test. */
    private static String outcome(Runnable reading) {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        return Assertions.assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            long before = threads.getCurrentThreadAllocatedBytes();
            String message = null;
            try {
                reading.run();
            } catch (ImageException e) {
                message = e.getMessage();
            }
            assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                    .as("allocated bytes")
                    .isLessThan(MOST_BYTES);
            return message;
        });
    }
}
