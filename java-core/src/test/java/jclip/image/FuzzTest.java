package jclip.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Small sound files, damaged at random from a fixed seed: every outcome is a picture of its promised size, or our
 * exception.
 */
class FuzzTest {
    private static final int ROUNDS = Integer.getInteger("jclip.fuzz", 300);
    private static final long MAX_PIXELS = 1 << 20;

    @TestFactory
    Stream<DynamicTest> damaged() throws IOException {
        return seeds().entrySet().stream()
                .map(seed -> DynamicTest.dynamicTest(
                        seed.getKey(),
                        () -> Assertions.assertTimeoutPreemptively(
                                Duration.ofSeconds(300), () -> fuzz(seed.getKey(), seed.getValue()))));
    }

    private static void fuzz(String name, byte[] file) {
        Random random = new Random(name.hashCode());
        PictureReader reader = PictureReader.standard().maxPixels(MAX_PIXELS).upright(true);
        Preprocessor preprocessor = Preprocessor.openai(16);
        int sound = 0;
        assertThat(reader.read(file, name).width()).isPositive();
        for (int round = 0; round < ROUNDS; round++) {
            byte[] damaged = damage(file, random);
            if (name.startsWith("png") && random.nextInt(4) != 0) {
                PngWriter.repair(damaged);
            }
            try {
                Picture picture = reader.read(damaged, name);
                assertThat(picture.pixels())
                        .hasSize(picture.width()
                                * picture.height()
                                * picture.mode().bytesPerPixel());
                assertThat(preprocessor.toRgb(picture)).hasSize(16 * 16 * 3);
                sound++;
            } catch (ImageException e) {
                assertThat(e).hasMessageStartingWith(name + ": ");
            }
            if (name.startsWith("jpeg")) {
                withoutTurbo(damaged, name);
            } else if (name.equals("webp")) {
                withoutLibWebp(damaged, name);
            }
        }
        assertThat(sound)
                .as("refused all: the damage is too heavy to test much")
                .isPositive();
    }

    private static void withoutTurbo(byte[] damaged, String name) {
        Bytes file = new Bytes(damaged, name);
        if (JpegHeader.accepts(file)) {
            try {
                JpegHeader header = JpegHeader.read(file, MAX_PIXELS);
                assertThat(ImageIoDecoder.jpeg(file, header))
                        .hasSize(header.width() * header.height() * header.components());
            } catch (ImageException e) {
                assertThat(e).hasMessageStartingWith(name + ": ");
            }
        }
    }

    private static void withoutLibWebp(byte[] damaged, String name) {
        try {
            assertThat(ImageIoDecoder.WEBP
                            .read(new Bytes(damaged, name), MAX_PIXELS)
                            .width())
                    .isPositive();
        } catch (ImageException e) {
            assertThat(e).hasMessageStartingWith(name + ": ");
        }
    }

    private static byte[] damage(byte[] file, Random random) {
        byte[] out = file.clone();
        int hits = 1 + random.nextInt(4);
        for (int i = 0; i < hits; i++) {
            // Headers come first: half of the hits go there.
            int at = random.nextInt(random.nextBoolean() ? Math.min(64, out.length) : out.length);
            switch (random.nextInt(6)) {
                case 0 -> out[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> out[at] = (byte) random.nextInt(256);
                case 2 -> out[at] = (byte) (random.nextBoolean() ? 255 : 0);
                case 3 -> Arrays.fill(out, at, Math.min(out.length, at + 4), (byte) (random.nextBoolean() ? 255 : 127));
                case 4 -> {
                    int from = random.nextInt(out.length);
                    int count = Math.min(random.nextInt(40), out.length - Math.max(from, at));
                    System.arraycopy(out, from, out, at, count);
                }
                default -> {
                    if (random.nextInt(4) == 0) {
                        out = Arrays.copyOf(out, Math.max(1, at));
                        return out;
                    }
                }
            }
        }
        return out;
    }

    private static Map<String, byte[]> seeds() throws IOException {
        Map<String, byte[]> seeds = new LinkedHashMap<>();
        for (PixelMode mode : PixelMode.values()) {
            int colour =
                    switch (mode) {
                        case GREY -> 0;
                        case RGB -> 2;
                        case PALETTE -> 3;
                        case GREY_ALPHA -> 4;
                        case RGBA -> 6;
                        default -> -1;
                    };
            if (colour >= 0) {
                byte[] palette = colour == 3 ? Formula.palette() : new byte[0];
                seeds.put(
                        "png " + mode,
                        PngWriter.write(
                                24, 17, 8, colour, Formula.picture(mode, 17, 24).pixels(), palette));
            }
        }
        BufferedImage rgb = java(BufferedImage.TYPE_INT_RGB);
        BufferedImage grey = java(BufferedImage.TYPE_BYTE_GRAY);
        seeds.put("png interlaced", Base64.getDecoder().decode(INTERLACED));
        seeds.put("jpeg RGB", written(rgb, "jpg"));
        seeds.put("jpeg grey", written(grey, "jpg"));
        seeds.put("gif", written(java(BufferedImage.TYPE_BYTE_INDEXED), "gif"));
        seeds.put("bmp RGB", written(rgb, "bmp"));
        seeds.put("bmp palette", written(java(BufferedImage.TYPE_BYTE_INDEXED), "bmp"));
        seeds.put("bmp bits", written(java(BufferedImage.TYPE_BYTE_BINARY), "bmp"));
        seeds.put("tiff", written(rgb, "tiff"));
        seeds.put("ppm", "P6\n3 2\n255\nabcdefghijklmnopqr".getBytes(StandardCharsets.US_ASCII));
        seeds.put("pgm plain", "P2\n3 2\n255\n1 2 3 4 5 6\n".getBytes(StandardCharsets.US_ASCII));
        seeds.put("webp", Base64.getDecoder().decode(WEBP));
        return seeds;
    }

    /** 5 x 3 grey, Adam7. */
    private static final String INTERLACED = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAAAAAEJWqqyAAAAHklEQVR4nGNgYFjAEMAgkr"
            + "KFQaOCwaaHgcsoqmkVADDgBUcDqzJwAAAAAElFTkSuQmCC";

    /** One pixel, lossless. */
    private static final String WEBP = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==";

    private static BufferedImage java(int type) {
        BufferedImage image = new BufferedImage(24, 17, type);
        byte[] rgb = Formula.picture(PixelMode.RGB, 17, 24).pixels();
        for (int i = 0; i < 24 * 17; i++) {
            image.setRGB(i % 24, i / 24, (rgb[3 * i] & 255) << 16 | (rgb[3 * i + 1] & 255) << 8 | rgb[3 * i + 2] & 255);
        }
        return image;
    }

    private static byte[] written(BufferedImage image, String format) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(ImageIO.write(image, format, out)).isTrue();
        return out.toByteArray();
    }
}
