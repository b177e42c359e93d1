package jclip.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

/** A part of a picture, cut out of scratch memory or out of a copy. */
class CropTest {
    private static byte[] encoded(String format, int type) throws IOException {
        BufferedImage image = new BufferedImage(57, 43, type);
        for (int i = 0; i < 57 * 43; i++) {
            image.setRGB(i % 57, i / 57, i * 2654435 | 0xFF000000);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(image, format, out);
        return out.toByteArray();
    }

    @Test
    void aPartIsThePixelsOfThePart() throws IOException {
        Picture picture = Picture.read(encoded("png", BufferedImage.TYPE_INT_RGB), "p.png");
        Picture part = picture.crop(new Crop.Box(5, 7, 11, 13));
        byte[] all = picture.toRgb();
        byte[] cut = part.toRgb();
        assertThat(part.width()).isEqualTo(11);
        assertThat(cut).hasSize(11 * 13 * 3);
        for (int i = 0; i < cut.length; i++) {
            int y = i / 33;
            assertThat(cut[i]).isEqualTo(all[((7 + y) * 57 + 5) * 3 + i % 33]);
        }
    }

    @Test
    void scratchAndHeapGiveTheSameBits() throws IOException {
        SplittableRandom random = new SplittableRandom(4);
        Preprocessor squash = Preprocessor.openai(24).withResizeMode(ResizeMode.SQUASH);
        float[] wanted = new float[3 * 24 * 24];
        float[] found = new float[wanted.length];
        try (Scratch scratch = new Scratch()) {
            for (String format : new String[] {"jpg", "png", "gif"}) {
                for (int type : new int[] {BufferedImage.TYPE_INT_RGB, BufferedImage.TYPE_BYTE_GRAY}) {
                    byte[] bytes = encoded(format, type);
                    for (int i = 0; i < 20; i++) {
                        int width = random.nextInt(1, 58);
                        int height = random.nextInt(1, 44);
                        Crop.Box box =
                                new Crop.Box(random.nextInt(58 - width), random.nextInt(44 - height), width, height);
                        squash.toTensor(Picture.read(bytes, "x").crop(box), MemorySegment.ofArray(wanted));
                        squash.toTensor(
                                PictureSource.of(bytes, "x"), (w, h) -> box, MemorySegment.ofArray(found), scratch);
                        assertThat(found).as("%s %s", format, box).containsExactly(wanted);
                    }
                }
            }
        }
    }

    @Test
    void aBoxThatLeavesThePictureIsRefused() throws IOException {
        Picture picture = Picture.read(encoded("png", BufferedImage.TYPE_INT_RGB), "p.png");
        for (Crop.Box box : new Crop.Box[] {
            new Crop.Box(-1, 0, 5, 5),
            new Crop.Box(0, 0, 58, 1),
            new Crop.Box(0, 40, 1, 4),
            new Crop.Box(0, 0, 0, 1),
            new Crop.Box(Integer.MAX_VALUE, 0, 2, 1)
        }) {
            assertThatThrownBy(() -> picture.crop(box)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
