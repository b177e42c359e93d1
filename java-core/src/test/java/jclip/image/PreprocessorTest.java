package jclip.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import jclip.backend.NativeMemory;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Preprocessing of pictures made by formula. The expected hashes (expected.txt) come from expected.py, a second
 * implementation of Pillow's arithmetic that shares no code with this one and was itself compared with the reference's
 * results.
 */
class PreprocessorTest {
    @TestFactory
    Stream<DynamicTest> formulaPictures() throws IOException {
        try (var in = PreprocessorTest.class.getResourceAsStream("expected.txt")) {
            return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))
                    .lines().toList().stream()
                            .map(line -> DynamicTest.dynamicTest(line, () -> expected(line.split(" "))));
        }
    }

    private static void expected(String[] words) {
        PixelMode mode = Stream.of(PixelMode.values())
                .filter(m -> m.pillowName().equals(words[0]))
                .findFirst()
                .orElseThrow();
        Picture picture = Formula.picture(mode, Integer.parseInt(words[1]), Integer.parseInt(words[2]));
        int fill = Integer.parseInt(words[7]);
        Preprocessor preprocessor = Preprocessor.builder()
                .size(Integer.parseInt(words[3]), Integer.parseInt(words[4]))
                .resizeMode(ResizeMode.parse(words[5]))
                .interpolation(Interpolation.parse(words[6]))
                .fillColor(fill, fill, fill)
                .build();
        byte[] rgb = preprocessor.toRgb(picture);
        assertThat(Fixtures.sha256(rgb)).startsWith(words[8]);
        assertTensor(preprocessor, picture, rgb);
    }

    /** The tensor holds the normalised bytes, in native memory, on the heap, and at an odd address. */
    private static void assertTensor(Preprocessor preprocessor, Picture picture, byte[] rgb) {
        int plane = rgb.length / 3;
        float[] wanted = new float[rgb.length];
        for (int i = 0; i < rgb.length; i++) {
            wanted[i % 3 * plane + i / 3] = preprocessor.normalised(i % 3, rgb[i] & 255);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(preprocessor.tensorBytes() + 8, 4);
            for (MemorySegment tensor : List.of(
                    memory.asSlice(4, preprocessor.tensorBytes()),
                    memory.asSlice(3, preprocessor.tensorBytes()),
                    MemorySegment.ofArray(new byte[rgb.length * 4]),
                    MemorySegment.ofArray(new float[rgb.length]))) {
                tensor.fill((byte) -1);
                preprocessor.toTensor(picture, tensor);
                assertThat(tensor.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED)).isEqualTo(wanted);
            }
        }
    }

    @Test
    void normalisesInThreeSteps() {
        Preprocessor preprocessor = Preprocessor.openai(224);
        float scaled = 137 / 255f;
        assertThat(preprocessor.normalised(1, 137)).isEqualTo((scaled - 0.4578275f) / 0.26130258f);
    }

    @Test
    void unequalFillColoursAreRgbWhateverTheMode() {
        Preprocessor preprocessor = Preprocessor.builder()
                .size(8, 8)
                .resizeMode(ResizeMode.LONGEST)
                .fillColor(1, 2, 3)
                .build();
        for (PixelMode mode : PixelMode.values()) {
            Picture picture = Formula.picture(mode, 4, 8);
            byte[] rgb = preprocessor.toRgb(picture);
            assertThat(rgb).startsWith(1, 2, 3, 1, 2, 3).endsWith(1, 2, 3);
            assertTensor(preprocessor, picture, rgb);
        }
    }

    @Test
    void sixteenBitGreyIsCutAt255() {
        byte[] pixels = {0, 0, 200 - 256, 0, 0, 1, -1, -1};
        Picture picture = new Picture("grey", 2, 2, PixelMode.GREY16, pixels, null);
        byte[] rgb = Preprocessor.builder().size(2, 2).build().toRgb(picture);
        assertThat(rgb).containsExactly(0, 0, 0, 200 - 256, 200 - 256, 200 - 256, -1, -1, -1, -1, -1, -1);
    }

    @Test
    void aSideThatRoundsToNothingIsThePicturesError() {
        Preprocessor preprocessor = Preprocessor.builder()
                .size(64, 64)
                .resizeMode(ResizeMode.LONGEST)
                .build();
        assertThatThrownBy(() -> preprocessor.toRgb(Formula.picture(PixelMode.RGB, 2, 1000)))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("1000x2");
    }

    @Test
    void extremeShapesAreRefusedOrComputedWithinBounds() {
        for (PixelMode mode : List.of(PixelMode.GREY, PixelMode.PALETTE, PixelMode.GREY16)) {
            for (int[] size : new int[][] {{1, 3_000_000}, {3_000_000, 1}}) {
                Picture picture = new Picture(
                        "line",
                        size[1],
                        size[0],
                        mode,
                        new byte[3_000_000 * mode.bytesPerPixel()],
                        mode == PixelMode.PALETTE ? Formula.palette() : null);
                for (ResizeMode how : ResizeMode.values()) {
                    Preprocessor preprocessor =
                            Preprocessor.builder().size(8, 8).resizeMode(how).build();
                    try {
                        assertThat(preprocessor.toRgb(picture)).hasSize(192);
                    } catch (ImageException e) {
                        assertThat(e).hasMessageContaining("line");
                    }
                }
            }
        }
    }

    @Test
    void wrongArguments() {
        assertThatThrownBy(() -> Preprocessor.openai(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Preprocessor.builder().mean(1, 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Preprocessor.builder().std(1, 0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Preprocessor.builder().fillColor(0, 256, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ResizeMode.parse("crop")).hasMessageContaining("shortest");
        Preprocessor preprocessor = Preprocessor.openai(8);
        Picture picture = Formula.picture(PixelMode.RGB, 9, 9);
        MemorySegment small = MemorySegment.ofArray(new float[8 * 8 * 3 - 1]);
        assertThatThrownBy(() -> preprocessor.toTensor(picture, small)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aBatchGoesOnPastBadPicturesWithTheSameBits() {
        Preprocessor preprocessor = Preprocessor.openai(16);
        List<PictureSource> sources = new ArrayList<>();
        List<Picture> pictures = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Picture picture = Formula.picture(PixelMode.values()[i % PixelMode.values().length], 20 + 3 * i, 50 - i);
            pictures.add(picture);
            sources.add(PictureSource.of(picture));
        }
        sources.set(3, PictureSource.of(new byte[] {1, 2, 3}, "three bytes"));
        sources.set(11, PictureSource.of(Path.of("no such file.jpg")));
        long size = preprocessor.tensorBytes();
        for (int threads : new int[] {1, 2, 7}) {
            byte[] batch = new byte[(int) (20 * size)];
            List<PictureFailure> failures = preprocessor.toTensors(sources, MemorySegment.ofArray(batch), threads);
            assertThat(failures).extracting(PictureFailure::index).containsExactly(3, 11);
            assertThat(failures.get(0).error())
                    .hasMessageContaining("three bytes")
                    .hasMessageContaining("too short");
            assertThat(failures.get(1).error()).hasMessageContaining("no such file.jpg");
            for (int i = 0; i < 20; i++) {
                if (i != 3 && i != 11) {
                    byte[] alone = new byte[(int) size];
                    preprocessor.toTensor(pictures.get(i), MemorySegment.ofArray(alone));
                    assertThat(MemorySegment.ofArray(batch)
                                    .asSlice(i * size, size)
                                    .mismatch(MemorySegment.ofArray(alone)))
                            .as("picture %d, %d threads", i, threads)
                            .isEqualTo(-1);
                }
            }
        }
        assertThat(NativeMemory.liveBytes()).isZero();
    }

    @Test
    void aBatchReadsFilesAsThePictureReaderDoes(@TempDir Path folder) throws IOException {
        ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(90, 70, BufferedImage.TYPE_INT_RGB), "jpg", jpeg);
        Picture rgba = Formula.picture(PixelMode.RGBA, 40, 30);
        byte[] png = PngWriter.write(30, 40, 8, 6, rgba.pixels());
        Path file = Files.write(folder.resolve("a.png"), png);
        List<PictureSource> sources = List.of(
                PictureSource.of(jpeg.toByteArray(), "jpeg"), PictureSource.of(file), PictureSource.of(png, "png"));
        List<Picture> pictures = List.of(Picture.read(jpeg.toByteArray(), "jpeg"), Picture.read(file), rgba);
        Preprocessor preprocessor = Preprocessor.openai(32);
        int size = (int) preprocessor.tensorBytes();
        byte[] batch = new byte[3 * size];
        assertThat(preprocessor.toTensors(sources, MemorySegment.ofArray(batch), 2))
                .isEmpty();
        for (int i = 0; i < 3; i++) {
            byte[] alone = new byte[size];
            preprocessor.toTensor(pictures.get(i), MemorySegment.ofArray(alone));
            assertThat(Arrays.copyOfRange(batch, i * size, (i + 1) * size)).isEqualTo(alone);
        }
    }
}
