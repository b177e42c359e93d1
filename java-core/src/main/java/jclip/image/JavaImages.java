package jclip.image;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import org.jspecify.annotations.Nullable;

/** Java's own pictures and rasters, taken over in Pillow's modes. */
final class JavaImages {
    private JavaImages() {}

    static Picture picture(BufferedImage image) {
        return picture(image, "BufferedImage");
    }

    static Picture picture(BufferedImage image, String source) {
        Raster raster = image.getRaster();
        ColorModel colours = image.getColorModel();
        if (colours instanceof IndexColorModel index && raster.getNumBands() == 1) {
            return indexed(raster, index, source);
        }
        if (image.getType() == BufferedImage.TYPE_USHORT_GRAY) {
            return grey16(raster, source);
        }
        PixelMode mode = plainMode(raster, colours);
        return mode != null ? bands(raster, mode, source) : converted(image, source);
    }

    /** The mode whose bytes the raster's bands are as they stand, whatever the colour profile; null if they are not. */
    private static @Nullable PixelMode plainMode(Raster raster, ColorModel colours) {
        for (int size : raster.getSampleModel().getSampleSize()) {
            if (size != 8) {
                return null;
            }
        }
        int bands = raster.getNumBands();
        boolean alpha = colours.hasAlpha();
        if (bands != colours.getNumComponents() || alpha && colours.isAlphaPremultiplied()) {
            return null;
        }
        return switch (colours.getColorSpace().getType()) {
            case ColorSpace.TYPE_GRAY -> alpha ? PixelMode.GREY_ALPHA : PixelMode.GREY;
            case ColorSpace.TYPE_RGB -> alpha ? PixelMode.RGBA : PixelMode.RGB;
            case ColorSpace.TYPE_CMYK -> alpha ? null : PixelMode.CMYK;
            default -> null;
        };
    }

    /** 8-bit bands of a raster in their order. */
    static Picture bands(Raster raster, PixelMode mode, String source) {
        int width = raster.getWidth();
        int height = raster.getHeight();
        int size = mode.bytesPerPixel();
        byte[] out = new byte[Math.multiplyExact(Math.multiplyExact(width, height), size)];
        int[] row = new int[width * raster.getNumBands()];
        for (int y = 0; y < height; y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            for (int i = 0; i < width * size; i++) {
                out[y * width * size + i] = (byte) row[i];
            }
        }
        return new Picture(source, width, height, mode, out, null);
    }

    private static Picture grey16(Raster raster, String source) {
        int width = raster.getWidth();
        int height = raster.getHeight();
        byte[] out = new byte[Math.multiplyExact(Math.multiplyExact(width, height), 2)];
        int[] row = new int[width];
        for (int y = 0; y < height; y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            for (int x = 0; x < width; x++) {
                out[2 * (y * width + x)] = (byte) row[x];
                out[2 * (y * width + x) + 1] = (byte) (row[x] >> 8);
            }
        }
        return new Picture(source, width, height, PixelMode.GREY16, out, null);
    }

    private static Picture indexed(Raster raster, IndexColorModel index, String source) {
        Picture indices = bands(raster, PixelMode.GREY, source);
        if (index.getMapSize() > 256) {
            throw new ImageException(source, "palette of " + index.getMapSize() + " entries, at most 256 are read");
        }
        byte[] palette = new byte[768];
        for (int i = 0; i < index.getMapSize(); i++) {
            palette[3 * i] = (byte) index.getRed(i);
            palette[3 * i + 1] = (byte) index.getGreen(i);
            palette[3 * i + 2] = (byte) index.getBlue(i);
        }
        byte[] pixels = indices.pixels();
        if (isBlackAndWhite(index)) {
            for (int i = 0; i < pixels.length; i++) {
                pixels[i] = palette[3 * (pixels[i] & 255)];
            }
            return new Picture(source, indices.width(), indices.height(), PixelMode.BILEVEL, pixels, null);
        }
        return new Picture(source, indices.width(), indices.height(), PixelMode.PALETTE, pixels, palette);
    }

    private static boolean isBlackAndWhite(IndexColorModel index) {
        if (index.getMapSize() != 2) {
            return false;
        }
        int first = index.getRGB(0) | 0xFF000000;
        int second = index.getRGB(1) | 0xFF000000;
        return first == 0xFF000000 && second == -1 || first == -1 && second == 0xFF000000;
    }

    private static Picture converted(BufferedImage image, String source) {
        int width = image.getWidth();
        int height = image.getHeight();
        boolean alpha = image.getColorModel().hasAlpha();
        PixelMode mode = alpha ? PixelMode.RGBA : PixelMode.RGB;
        int size = mode.bytesPerPixel();
        byte[] out = new byte[Math.multiplyExact(Math.multiplyExact(width, height), size)];
        int[] row = new int[width];
        int at = 0;
        for (int y = 0; y < height; y++) {
            image.getRGB(0, y, width, 1, row, 0, width);
            for (int argb : row) {
                out[at] = (byte) (argb >> 16);
                out[at + 1] = (byte) (argb >> 8);
                out[at + 2] = (byte) argb;
                if (alpha) {
                    out[at + 3] = (byte) (argb >>> 24);
                }
                at += size;
            }
        }
        return new Picture(source, width, height, mode, out, null);
    }
}
