package jclip.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.imageio.ImageIO;
import jclip.Clip;
import jclip.ZeroShotClassifier;
import jclip.backend.NativeMemory;
import jclip.checkpoint.Activation;
import jclip.checkpoint.CheckpointException;
import jclip.checkpoint.DType;
import jclip.checkpoint.Layout;
import jclip.image.ImageException;
import jclip.image.Picture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The public face, as a user meets it. */
class ClipTest {
    @TempDir
    static Path folder;

    private static Path model;
    private static Path red;
    private static Path checks;
    private static Clip clip;

    @BeforeAll
    static void load() throws IOException {
        model = SmallCheckpoint.write(folder.resolve("model"), Layout.OPENCLIP, DType.F32);
        red = write("red.png", (x, y) -> 0xe01020);
        checks = write("checks.png", (x, y) -> (x / 9 + y / 7) % 2 == 0 ? 0xffffff : 0x102030);
        clip = Clip.load(model);
    }

    @AfterAll
    static void close() {
        clip.close();
        assertThat(NativeMemory.liveBytes()).isZero();
    }

    private interface Colour {
        int at(int x, int y);
    }

    private static Path write(String name, Colour colour) throws IOException {
        BufferedImage image = new BufferedImage(120, 90, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < 90; y++) {
            for (int x = 0; x < 120; x++) {
                image.setRGB(x, y, colour.at(x, y));
            }
        }
        Path file = folder.resolve(name);
        ImageIO.write(image, "png", file.toFile());
        return file;
    }

    @Test
    void everySourceOfAPictureGivesTheSameBits() throws IOException {
        float[] expected = clip.encodeImage(checks);
        byte[] bytes = Files.readAllBytes(checks);
        assertThat(clip.encodeImage(bytes)).isEqualTo(expected);
        try (var stream = Files.newInputStream(checks)) {
            assertThat(clip.encodeImage(stream)).isEqualTo(expected);
        }
        assertThat(clip.encodeImage(ImageIO.read(checks.toFile()))).isEqualTo(expected);
        Picture picture = Picture.read(checks);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment rgb = arena.allocateFrom(ValueLayout.JAVA_BYTE, picture.toRgb());
            assertThat(clip.encodePicture(Picture.ofRgb(rgb, 120, 90))).isEqualTo(expected);
            MemorySegment out = arena.allocate(2L * SmallCheckpoint.EMBED * Float.BYTES, 4);
            clip.encodePictures(List.of(Picture.read(red), picture), out);
            assertThat(out.asSlice(SmallCheckpoint.EMBED * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT))
                    .isEqualTo(expected);
        }
        for (float[] row : clip.encodeImages(Collections.nCopies(70, checks))) {
            assertThat(row).isEqualTo(expected);
        }
        assertThat(Clip.cosine(expected, expected)).isCloseTo(1, within(1e-6));
        assertThat(clip.encodeImage(red)).isNotEqualTo(expected);
    }

    @Test
    void textsAndSimilarity() {
        float[] text = clip.encodeText("a photo of a cat");
        assertThat(text).hasSize(SmallCheckpoint.EMBED);
        assertThat(clip.encodeTexts(List.of("dog", "a photo of a cat"))[1]).isEqualTo(text);
        double[][] cosines = clip.similarity(List.of(red, checks), List.of("a photo of a cat", "dog", "x"));
        assertThat(cosines).hasDimensions(2, 3);
        assertThat(cosines[1][0]).isEqualTo(Clip.cosine(clip.encodeImage(checks), text));
    }

    @Test
    void tooLongTextsAreAnErrorUnlessTruncated() {
        String text = "word ".repeat(100);
        assertThatThrownBy(() -> clip.encodeText(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("102")
                .hasMessageContaining("77");
        try (Clip cutting = Clip.builder().truncateTexts(true).load(model)) {
            assertThat(cutting.encodeText(text)).isEqualTo(cutting.encodeText("word ".repeat(75)));
        }
    }

    @Test
    void zeroShot() {
        ZeroShotClassifier classifier =
                ZeroShotClassifier.of(clip, List.of("cat", "dog", "house"), List.of("a photo of a {}.", "{}"));
        SequencedMap<String, Double> probabilities = classifier.classify(Picture.read(checks));
        assertThat(probabilities.keySet()).containsExactly("cat", "dog", "house");
        assertThat(probabilities.values().stream().mapToDouble(d -> d).sum()).isCloseTo(1, within(1e-12));
        // By hand, from public parts alone.
        float[] image = clip.encodeImage(checks);
        double[] exps = new double[3];
        for (int i = 0; i < 3; i++) {
            String label = classifier.labels().get(i);
            float[][] prompts = clip.encodeTexts(List.of("a photo of a " + label + ".", label));
            float[] sum = new float[image.length];
            for (int j = 0; j < sum.length; j++) {
                sum[j] = prompts[0][j] + prompts[1][j];
            }
            exps[i] = Math.exp(clip.logitScale() * Clip.cosine(image, sum));
        }
        double total = Arrays.stream(exps).sum();
        for (int i = 0; i < 3; i++) {
            assertThat(probabilities.get(classifier.labels().get(i))).isCloseTo(exps[i] / total, within(1e-5));
        }
    }

    @Test
    void wrongArgumentsAreNamed() {
        assertThatThrownBy(() -> clip.encodeImages(List.of())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> clip.encodeTexts(List.of())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ZeroShotClassifier.of(clip, List.of())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ZeroShotClassifier.of(clip, List.of("a", "a")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'a' is repeated");
        assertThatThrownBy(() -> ZeroShotClassifier.of(clip, List.of("a"), List.of("no place")))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> clip.encodeImage(folder.resolve("none.png")))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("none.png");
        assertThatThrownBy(() -> clip.encodeImages(List.of(red, model.resolve("open_clip_config.json"))))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("open_clip_config.json");
        assertThatThrownBy(() -> Clip.load(folder.resolve("nothing-here"))).isInstanceOf(CheckpointException.class);
        assertThatThrownBy(() -> Clip.builder().activation(Activation.GELU).load(model))
                .isInstanceOf(CheckpointException.class);
        assertThatThrownBy(() -> Clip.load(Path.of("formula:ViT-X")))
                .isInstanceOf(RuntimeException.class)
                .hasMessageContaining("ViT-X");
    }

    @Test
    void layoutsAgreeToTheBit() {
        float[] picture = clip.encodeImage(checks);
        float[] text = clip.encodeText("a photo of a cat");
        try (Clip other = Clip.load(SmallCheckpoint.write(folder.resolve("hf"), Layout.HUGGINGFACE, DType.F32))) {
            assertThat(other.encodeImage(checks)).isEqualTo(picture);
            assertThat(other.encodeText("a photo of a cat")).isEqualTo(text);
        }
        try (Clip half = Clip.load(SmallCheckpoint.write(folder.resolve("half"), Layout.OPENCLIP, DType.F16))) {
            assertThat(Clip.cosine(half.encodeImage(checks), picture))
                    .isCloseTo(1, within(1e-4))
                    .isNotEqualTo(1);
        }
    }

    /** Mixed calls from eight threads; native memory is flat and every answer right. */
    @Test
    void soak() throws Exception {
        float[] picture = clip.encodeImage(checks);
        float[] text = clip.encodeText("a photo of a cat");
        long before = NativeMemory.liveBytes();
        try (ExecutorService pool = Executors.newFixedThreadPool(8)) {
            List<Future<Boolean>> results = new ArrayList<>();
            for (int thread = 0; thread < 8; thread++) {
                results.add(pool.submit((Callable<Boolean>) () -> {
                    boolean right = true;
                    for (int i = 0; i < 250; i++) {
                        right &= Arrays.equals(clip.encodeText("a photo of a cat"), text);
                        right &= i % 5 != 0 || Arrays.equals(clip.encodeImage(checks), picture);
                    }
                    return right;
                }));
            }
            for (Future<Boolean> result : results) {
                assertThat(result.get()).isTrue();
            }
        }
        // At most new shape buckets bound by the two slots; nothing per call.
        assertThat(NativeMemory.liveBytes() - before).isLessThan(1 << 20);
    }
}
