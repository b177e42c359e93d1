package jclip.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every case of the preprocessing fixtures, from its own metadata: decoded pixels, resized pixels, tensors, tables; all
 * exact.
 */
class PreprocessFixturesTest {
    @TestFactory
    List<DynamicTest> cases() {
        List<Path> files = Fixtures.cases("preprocess");
        if (files.isEmpty()) {
            return List.of(DynamicTest.dynamicTest(
                    "no fixtures", () -> Fixtures.skipUnless(false, "no folder fixtures/preprocess")));
        }
        return files.stream()
                .map(f -> DynamicTest.dynamicTest(f.getParent().getFileName().toString(), () -> run(f)))
                .toList();
    }

    private static void run(Path file) throws IOException {
        Map<String, Object> metadata = Json.read(file);
        if (metadata.get("kind").equals("normalize")) {
            normalize(file.getParent(), metadata);
        } else {
            preprocess(file.getParent(), metadata);
        }
    }

    private static void normalize(Path folder, Map<String, Object> metadata) throws IOException {
        Preprocessor preprocessor = Preprocessor.builder()
                .mean(floats(metadata.get("mean")))
                .std(floats(metadata.get("std")))
                .build();
        ByteBuffer table = ByteBuffer.wrap(Files.readAllBytes(folder.resolve((String) metadata.get("table"))))
                .order(ByteOrder.LITTLE_ENDIAN);
        assertThat(table.remaining()).isEqualTo(3 * 256 * 4);
        for (int i = 0; i < 3 * 256; i++) {
            assertThat(Float.floatToRawIntBits(preprocessor.normalised(i / 256, i % 256)))
                    .as("entry %d", i)
                    .isEqualTo(table.getInt(4 * i));
        }
    }

    private static void preprocess(Path folder, Map<String, Object> metadata) throws IOException {
        Path image = folder;
        while (!Files.isRegularFile(image.resolve((String) metadata.get("image")))) {
            image = image.getParent();
        }
        Picture picture = Picture.read(image.resolve((String) metadata.get("image")));
        Map<String, Object> decoded = map(metadata.get("decoded"));
        assertThat(picture.mode().pillowName()).isEqualTo(metadata.get("pillow_mode"));
        assertThat((long) picture.width()).isEqualTo(decoded.get("width"));
        assertThat((long) picture.height()).isEqualTo(decoded.get("height"));
        if (!Fixtures.sha256(picture.toRgb()).equals(decoded.get("sha256"))) {
            picture = stored(folder, metadata, decoded, picture);
        }
        List<String> wrong = new ArrayList<>();
        for (Object result : (List<?>) metadata.get("results")) {
            result(folder, map(result), picture, wrong);
        }
        assertThat(wrong).isEmpty();
    }

    /** The reference's pixels in the place of a decoder's that is not exact; only lossy files may need them. */
    private static Picture stored(
            Path folder, Map<String, Object> metadata, Map<String, Object> decoded, Picture ours) {
        assertThat(metadata.get("lossy_decoder"))
                .as("decoded pixels differ from the reference's")
                .isEqualTo(true);
        boolean jpeg = metadata.get("format").equals("JPEG");
        boolean exact =
                jpeg ? TurboJpeg.shared().codec() != null : LibWebp.shared().codec() != null;
        assertThat(exact)
                .as("decoded by the reference's own library, yet other pixels")
                .isFalse();
        String why = jpeg ? PictureReader.jpegDecoder() : PictureReader.webpDecoder();
        Fixtures.skipUnless(
                decoded.get("png") != null, "decoded by " + why + ": differs, and no decoded picture is stored");
        System.out.println(metadata.get("name") + ": from the stored decoded picture, because decoded by " + why);
        Picture stored = Picture.read(folder.resolve((String) decoded.get("png")));
        if (ours.mode() != PixelMode.RGBA) {
            return stored;
        }
        byte[] pixels = ours.pixels().clone();
        for (int i = 0; i < pixels.length / 4; i++) {
            System.arraycopy(stored.pixels(), 3 * i, pixels, 4 * i, 3);
        }
        return new Picture(ours.source(), ours.width(), ours.height(), PixelMode.RGBA, pixels, null);
    }

    private static void result(Path folder, Map<String, Object> result, Picture picture, List<String> wrong)
            throws IOException {
        List<?> size = (List<?>) result.get("size");
        Object fill = result.get("fill_color");
        List<?> colours = fill instanceof List<?> list ? list : List.of(fill, fill, fill);
        Preprocessor preprocessor = Preprocessor.builder()
                .size(number(size.get(0)), number(size.get(1)))
                .resizeMode(ResizeMode.parse((String) result.get("resize_mode")))
                .interpolation(Interpolation.parse((String) result.get("interpolation")))
                .fillColor(number(colours.get(0)), number(colours.get(1)), number(colours.get(2)))
                .build();
        if (result.containsKey("error")) {
            assertThatThrownBy(() -> preprocessor.toRgb(picture)).isInstanceOf(ImageException.class);
            return;
        }
        String what = size + " " + result.get("resize_mode") + " " + result.get("interpolation") + " " + fill;
        if (!Fixtures.sha256(preprocessor.toRgb(picture)).equals(result.get("sha256"))) {
            wrong.add(what);
        }
        if (result.get("tensor") != null) {
            byte[] tensor = new byte[(int) preprocessor.tensorBytes()];
            preprocessor.toTensor(picture, MemorySegment.ofArray(tensor));
            assertThat(tensor).as(what).isEqualTo(Files.readAllBytes(folder.resolve((String) result.get("tensor"))));
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object object) {
        return (Map<String, Object>) object;
    }

    private static int number(Object object) {
        return ((Number) object).intValue();
    }

    private static float[] floats(Object object) {
        List<?> list = (List<?>) object;
        float[] floats = new float[list.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = ((Number) list.get(i)).floatValue();
        }
        return floats;
    }
}
