package jclip.image;

/** Pictures by formula, the same as in expected.py. */
final class Formula {
    private Formula() {}

    static Picture picture(PixelMode mode, int height, int width) {
        int channels = mode.bytesPerPixel();
        byte[] pixels = new byte[height * width * channels];
        for (int i = 0; i < pixels.length; i++) {
            int x = i / channels % width;
            int y = i / channels / width;
            int c = i % channels;
            int value = (x * x * 3 + y * 11 + x * y % 17 * 13 + c * 71 + (x / 5 + y / 7) % 2 * 97) % 256;
            pixels[i] = (byte) (mode == PixelMode.BILEVEL ? (value > 127 ? 255 : 0) : value);
        }
        return new Picture("formula", width, height, mode, pixels, mode == PixelMode.PALETTE ? palette() : null);
    }

    static byte[] palette() {
        byte[] palette = new byte[768];
        for (int i = 0; i < palette.length; i++) {
            palette[i] = (byte) (i * 37 + i / 3);
        }
        return palette;
    }
}
