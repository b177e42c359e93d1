package jclip.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The way of JPEG and WebP files where libjpeg-turbo and libwebp are missing: the same pixels but for JPEG files whose
 * chroma is halved vertically only (4:4:0, upsampled without smoothing) and lossy WebP.
 */
class ImageIoTest {
    @TestFactory
    List<DynamicTest> cases() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : Fixtures.cases("preprocess")) {
            Map<String, Object> metadata = Json.read(file);
            if ("JPEG".equals(metadata.get("format")) || "WEBP".equals(metadata.get("format"))) {
                tests.add(
                        DynamicTest.dynamicTest((String) metadata.get("name"), () -> run(file.getParent(), metadata)));
            }
        }
        if (tests.isEmpty()) {
            tests.add(DynamicTest.dynamicTest(
                    "no fixtures", () -> Fixtures.skipUnless(false, "no folder fixtures/preprocess")));
        }
        return tests;
    }

    private static void run(Path folder, Map<String, Object> metadata) throws IOException {
        Path root = folder;
        while (!Files.isRegularFile(root.resolve((String) metadata.get("image")))) {
            root = root.getParent();
        }
        Bytes file = new Bytes(Files.readAllBytes(root.resolve((String) metadata.get("image"))), "file");
        boolean jpeg = metadata.get("format").equals("JPEG");
        Picture picture = jpeg ? jpeg(file) : ImageIoDecoder.WEBP.read(file, PictureReader.DEFAULT_MAX_PIXELS);
        assertThat(picture.mode().pillowName()).isEqualTo(metadata.get("pillow_mode"));
        Map<?, ?> decoded = (Map<?, ?>) metadata.get("decoded");
        boolean same = Fixtures.sha256(picture.toRgb()).equals(decoded.get("sha256"));
        boolean known = jpeg
                ? metadata.get("notes").toString().contains("4:4:0")
                : metadata.get("lossy_decoder").equals(true);
        Fixtures.skipUnless(same || !known, "differs from the reference, as known: " + metadata.get("notes"));
        assertThat(same).isTrue();
    }

    private static Picture jpeg(Bytes file) {
        JpegHeader header = JpegHeader.read(file, PictureReader.DEFAULT_MAX_PIXELS);
        return new Picture(
                "file", header.width(), header.height(), header.mode(), ImageIoDecoder.jpeg(file, header), null);
    }
}
