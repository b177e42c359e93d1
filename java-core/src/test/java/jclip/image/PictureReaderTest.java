package jclip.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading of files written here: modes, limits, sources. */
class PictureReaderTest {
    @Test
    void pngOfEveryColourType() {
        assertPng(8, 2, PixelMode.RGB, 3);
        assertPng(8, 6, PixelMode.RGBA, 4);
        assertPng(8, 4, PixelMode.GREY_ALPHA, 2);
        assertPng(8, 0, PixelMode.GREY, 1);
        assertPng(8, 3, PixelMode.PALETTE, 1);
    }

    private static void assertPng(int depth, int colour, PixelMode mode, int channels) {
        Picture wanted = Formula.picture(mode, 19, 23);
        byte[] palette = colour == 3 ? Formula.palette() : new byte[0];
        Picture found = Picture.read(PngWriter.write(23, 19, depth, colour, wanted.pixels(), palette), "own");
        assertThat(found.mode()).isEqualTo(mode);
        assertThat(found.pixels()).isEqualTo(wanted.pixels()).hasSize(19 * 23 * channels);
        assertThat(found.toRgb()).isEqualTo(wanted.toRgb());
    }

    @Test
    void pngOf16And1Bits() {
        Picture grey = Picture.read(PngWriter.write(2, 1, 16, 0, new byte[] {1, 2, 3, 4}), "own");
        assertThat(grey.mode()).isEqualTo(PixelMode.GREY16);
        assertThat(grey.pixels()).containsExactly(2, 1, 4, 3);
        Picture alpha = Picture.read(PngWriter.write(1, 1, 16, 4, new byte[] {1, 2, 3, 4}), "own");
        assertThat(alpha.mode()).isEqualTo(PixelMode.RGBA);
        assertThat(alpha.pixels()).containsExactly(1, 1, 1, 3);
        Picture bits = Picture.read(PngWriter.write(9, 1, 1, 0, new byte[] {(byte) 0xA0, (byte) 0x80}), "own");
        assertThat(bits.mode()).isEqualTo(PixelMode.BILEVEL);
        assertThat(bits.pixels()).containsExactly(-1, 0, -1, 0, 0, 0, 0, 0, -1);
    }

    @Test
    void missingPaletteEntriesAreBlack() {
        Picture picture = Picture.read(PngWriter.write(2, 1, 8, 3, new byte[] {0, 9}, new byte[] {7, 8, 9}), "own");
        assertThat(picture.toRgb()).containsExactly(7, 8, 9, 0, 0, 0);
    }

    @Test
    void portableMaps() {
        assertThat(Picture.read(ascii("P3 # note\n2 1 255\n1 2 3 4 5 6\n"), "p").toRgb())
                .containsExactly(1, 2, 3, 4, 5, 6);
        assertThat(Picture.read(ascii("P2 2 1 10 5 10"), "p").pixels()).containsExactly(128, -1);
        assertThat(Picture.read(ascii("P1\n2 1\n10"), "p").pixels()).containsExactly(0, -1);
        assertThat(Picture.read(ascii("P4\n2 1\n@"), "p").pixels()).containsExactly(-1, 0);
        assertThatThrownBy(() -> Picture.read(ascii("P6 9 9 255\nabc"), "p")).isInstanceOf(ImageException.class);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    @Test
    void orientations() {
        // 3 wide, 2 high: 1 2 3 / 4 5 6
        Picture picture = new Picture("numbers", 3, 2, PixelMode.GREY, new byte[] {1, 2, 3, 4, 5, 6}, null);
        int[][] wanted = {
            {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
            {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}
        };
        for (int orientation = 1; orientation <= 8; orientation++) {
            byte[] pixels = picture.oriented(orientation).pixels();
            int[] found = new int[6];
            Arrays.setAll(found, i -> pixels[i]);
            assertThat(found).as("orientation %d", orientation).isEqualTo(wanted[orientation - 1]);
        }
    }

    @Test
    void javaPictures() {
        BufferedImage rgb = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
        rgb.setRGB(0, 0, 0x010203);
        rgb.setRGB(1, 0, 0x040506);
        assertThat(Picture.of(rgb).mode()).isEqualTo(PixelMode.RGB);
        assertThat(Picture.of(rgb).toRgb()).containsExactly(1, 2, 3, 4, 5, 6);
        BufferedImage grey = new BufferedImage(1, 1, BufferedImage.TYPE_BYTE_GRAY);
        grey.getRaster().setSample(0, 0, 0, 100);
        assertThat(Picture.of(grey).mode()).isEqualTo(PixelMode.GREY);
        assertThat(Picture.of(grey).toRgb()).containsExactly(100, 100, 100);
        BufferedImage argb = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB);
        argb.setRGB(0, 0, 0x80102030);
        assertThat(Picture.of(argb).pixels()).containsExactly(0x10, 0x20, 0x30, -128);
        byte[] ramp = {10, 20};
        BufferedImage indexed =
                new BufferedImage(1, 1, BufferedImage.TYPE_BYTE_INDEXED, new IndexColorModel(8, 2, ramp, ramp, ramp));
        indexed.getRaster().setSample(0, 0, 0, 1);
        assertThat(Picture.of(indexed).mode()).isEqualTo(PixelMode.PALETTE);
        assertThat(Picture.of(indexed).toRgb()).containsExactly(20, 20, 20);
        BufferedImage bits = new BufferedImage(1, 1, BufferedImage.TYPE_BYTE_BINARY);
        bits.setRGB(0, 0, -1);
        assertThat(Picture.of(bits).mode()).isEqualTo(PixelMode.BILEVEL);
        assertThat(Picture.of(bits).toRgb()).containsExactly(-1, -1, -1);
    }

    @Test
    void rawRgb() {
        MemorySegment rgb = MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5, 6});
        assertThat(Picture.ofRgb(rgb, 1, 2).toRgb()).containsExactly(1, 2, 3, 4, 5, 6);
        assertThatThrownBy(() -> Picture.ofRgb(rgb, 2, 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Picture.ofRgb(rgb, -1, -2)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void limits(@TempDir Path folder) throws IOException {
        byte[] png = PngWriter.write(
                23, 19, 8, 0, Formula.picture(PixelMode.GREY, 19, 23).pixels());
        assertThat(PictureReader.standard().maxPixels(437).read(png, "own").width())
                .isEqualTo(23);
        assertThatThrownBy(() -> PictureReader.standard().maxPixels(436).read(png, "own"))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("own")
                .hasMessageContaining("23x19");
        PictureReader tight = PictureReader.standard().maxBytes(png.length - 1);
        assertThatThrownBy(() -> tight.read(png, "own")).hasMessageContaining("too large");
        assertThatThrownBy(() -> tight.read(new ByteArrayInputStream(png), "own"))
                .hasMessageContaining("too large");
        Path file = Files.write(folder.resolve("picture.bin"), png);
        assertThatThrownBy(() -> tight.read(file))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("picture.bin");
        assertThat(PictureReader.standard().read(file).height()).isEqualTo(19);
        assertThatThrownBy(() -> Picture.read(folder)).isInstanceOf(ImageException.class);
    }

    @Test
    void aStreamThatBreaks() {
        InputStream broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("line cut");
            }
        };
        assertThatThrownBy(() -> Picture.read(broken, "upload"))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("upload")
                .hasMessageContaining("line cut");
    }

    @Test
    void greyJpegStaysGrey() throws IOException {
        BufferedImage grey = new BufferedImage(40, 30, BufferedImage.TYPE_BYTE_GRAY);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(grey, "jpg", out);
        Picture picture = Picture.read(out.toByteArray(), "grey.jpg");
        assertThat(picture.mode()).isEqualTo(PixelMode.GREY);
        assertThat(picture.pixels()).containsOnly(0).hasSize(1200);
        assertThat(PictureReader.jpegDecoder()).isNotBlank();
    }

    @Test
    void endlessScansAreRefused() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY), "jpg", out);
        byte[] jpeg = out.toByteArray();
        int scan = 0;
        while (jpeg[scan] != (byte) 0xFF || jpeg[scan + 1] != (byte) 0xDA) {
            scan++;
        }
        out.reset();
        out.write(jpeg, 0, scan);
        for (int i = 0; i < 501; i++) {
            out.write(jpeg, scan, jpeg.length - 2 - scan);
        }
        out.write(jpeg, jpeg.length - 2, 2);
        assertThatThrownBy(() -> Picture.read(out.toByteArray(), "bomb"))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("scans");
    }
}
