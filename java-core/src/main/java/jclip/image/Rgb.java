package jclip.image;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Conversion of pixels to RGB, as Pillow does it: alpha is dropped, 16-bit grey is cut at 255. */
final class Rgb {
    private Rgb() {}

    static byte[] of(PixelMode mode, byte[] pixels, byte @Nullable [] palette) {
        int count = pixels.length / mode.bytesPerPixel();
        byte[] rgb = new byte[Math.multiplyExact(count, 3)];
        switch (mode) {
            case BILEVEL, GREY -> grey(pixels, 1, rgb);
            case GREY_ALPHA -> grey(pixels, 2, rgb);
            case GREY16 -> grey16(pixels, rgb);
            case PALETTE -> palette(pixels, Objects.requireNonNull(palette), rgb);
            case RGB -> System.arraycopy(pixels, 0, rgb, 0, rgb.length);
            case RGBA -> rgba(pixels, rgb);
            case CMYK -> cmyk(pixels, rgb);
        }
        return rgb;
    }

    private static void grey(byte[] pixels, int step, byte[] rgb) {
        for (int in = 0, out = 0; out < rgb.length; in += step, out += 3) {
            rgb[out] = pixels[in];
            rgb[out + 1] = pixels[in];
            rgb[out + 2] = pixels[in];
        }
    }

    private static void grey16(byte[] pixels, byte[] rgb) {
        for (int in = 0, out = 0; out < rgb.length; in += 2, out += 3) {
            byte value = pixels[in + 1] != 0 ? (byte) 255 : pixels[in];
            rgb[out] = value;
            rgb[out + 1] = value;
            rgb[out + 2] = value;
        }
    }

    private static void palette(byte[] pixels, byte[] palette, byte[] rgb) {
        for (int in = 0, out = 0; out < rgb.length; in++, out += 3) {
            System.arraycopy(palette, (pixels[in] & 255) * 3, rgb, out, 3);
        }
    }

    private static void rgba(byte[] pixels, byte[] rgb) {
        for (int in = 0, out = 0; out < rgb.length; in += 4, out += 3) {
            rgb[out] = pixels[in];
            rgb[out + 1] = pixels[in + 1];
            rgb[out + 2] = pixels[in + 2];
        }
    }

    private static void cmyk(byte[] pixels, byte[] rgb) {
        for (int in = 0, out = 0; out < rgb.length; in += 4, out += 3) {
            int white = 255 - (pixels[in + 3] & 255);
            for (int c = 0; c < 3; c++) {
                rgb[out + c] = (byte) Math.max(0, white - multiply(pixels[in + c] & 255, white));
            }
        }
    }

    /** a * b / 255, rounded, for bytes. */
    static int multiply(int a, int b) {
        int t = a * b + 128;
        return (t + (t >> 8)) >> 8;
    }
}
