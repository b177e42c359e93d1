package jclip.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The way of JPEG files where libjpeg-turbo is missing: the same pixels but for files whose chroma is halved vertically only (4:4:0), which the
 * JDK's decoder upsamples without smoothing.
 */
class ImageIoJpegTest {
    @TestFactory
    List<DynamicTest> cases() throws IOException {
        List<DynamicTest> tests = new java.util.ArrayList<>();
        for (Path file : Fixtures.cases("preprocess")) {
            Map<String, Object> metadata = Json.read(file);
            if ("JPEG".equals(metadata.get("format"))) {
                tests.add(DynamicTest.dynamicTest((String) metadata.get("name"), () -> run(file.getParent(), metadata)));
            }
        }
        if (tests.isEmpty()) {
            tests.add(DynamicTest.dynamicTest("no fixtures", () -> assumeTrue(false, "no folder fixtures/preprocess")));
        }
        return tests;
    }

    private static void run(Path folder, Map<String, Object> metadata) throws IOException {
        Path root = folder;
        while (!Files.isRegularFile(root.resolve((String) metadata.get("image")))) {
            root = root.getParent();
        }
        Bytes file = new Bytes(Files.readAllBytes(root.resolve((String) metadata.get("image"))), "file");
        JpegHeader header = JpegHeader.read(file, PictureReader.DEFAULT_MAX_PIXELS);
        byte[] pixels = ImageIoDecoder.jpeg(file, header);
        byte[] rgb = new Picture("file", header.width(), header.height(), header.mode(), pixels, null).toRgb();
        Map<?, ?> decoded = (Map<?, ?>) metadata.get("decoded");
        boolean same = Fixtures.sha256(rgb).equals(decoded.get("sha256"));
        assumeTrue(same || !metadata.get("notes").toString().contains("4:4:0"), "4:4:0 without smooth upsampling: differs, as known");
        assertThat(same).isTrue();
    }
}
