package jclip.image;

/**
 * PBM, PGM and PPM (P1 to P6) as Pillow opens them: bits are "1", grey is "L", or 16-bit where the largest value is
 * above 255; other largest values are scaled to 255 (halves to even).
 */
final class PnmReader {
    private final Bytes file;
    private int at = 2;
    private int largest = 1;

    private PnmReader(Bytes file) {
        this.file = file;
    }

    static boolean accepts(Bytes file) {
        return file.length() > 2
                && file.data()[0] == 'P'
                && file.data()[1] >= '1'
                && file.data()[1] <= '6'
                && isSpace(file.data()[2]);
    }

    static Picture read(Bytes file, long maxPixels) {
        return new PnmReader(file).read(maxPixels);
    }

    private Picture read(long maxPixels) {
        int kind = file.data()[1] - '0';
        long wide = number("width");
        long high = number("height");
        file.checkSize(wide, high, maxPixels);
        int width = (int) wide;
        int height = (int) high;
        boolean plain = kind <= 3;
        if (kind == 1 || kind == 4) {
            byte[] out = plain ? plainBits(width, height) : rawBits(width, height);
            return new Picture(file.source(), width, height, PixelMode.BILEVEL, out, null);
        }
        long max = number("largest value");
        if (max < 1 || max > 65535) {
            throw file.error("PNM largest value " + max + ", wanted 1 to 65535");
        }
        largest = (int) max;
        int channels = kind == 3 || kind == 6 ? 3 : 1;
        PixelMode mode = channels == 3 ? PixelMode.RGB : largest > 255 ? PixelMode.GREY16 : PixelMode.GREY;
        if (!plain) {
            at++;
        }
        long samples = (long) width * height * channels;
        // Plain samples take at least a digit and, but for the last, a space.
        long needed = plain ? 2 * samples - 1 : samples * (largest > 255 ? 2 : 1);
        file.need(at, needed, "PNM of " + width + "x" + height + " pixels");
        byte[] out = file.allocate(width, height, mode.bytesPerPixel());
        for (int i = 0; i < samples; i++) {
            store(plain ? number("sample") : raw(), mode, out, i);
        }
        return new Picture(file.source(), width, height, mode, out, null);
    }

    private int raw() {
        if (largest > 255) {
            at += 2;
            return file.u16be(at - 2, "PNM sample");
        }
        return file.u8(at++, "PNM sample");
    }

    private void store(long sample, PixelMode mode, byte[] out, int i) {
        if (mode == PixelMode.GREY16) {
            int value = (int) Math.min(65535, Math.rint((double) sample / largest * 65535));
            out[2 * i] = (byte) value;
            out[2 * i + 1] = (byte) (value >> 8);
        } else {
            out[i] = (byte)
                    (largest == 255
                            ? Math.min(sample, 255)
                            : Math.min(255, Math.rint((double) sample / largest * 255)));
        }
    }

    private byte[] rawBits(int width, int height) {
        at++;
        int stride = (width + 7) / 8;
        file.need(at, (long) stride * height, "PBM of " + width + "x" + height + " pixels");
        byte[] out = file.allocate(width, height, 1);
        for (int i = 0; i < out.length; i++) {
            int x = i % width;
            int bit = file.data()[at + i / width * stride + x / 8] >> (7 - x % 8) & 1;
            out[i] = (byte) (bit - 1);
        }
        return out;
    }

    private byte[] plainBits(int width, int height) {
        file.need(at, (long) width * height, "PBM of " + width + "x" + height + " pixels");
        byte[] out = file.allocate(width, height, 1);
        for (int i = 0; i < out.length; i++) {
            skipSpace();
            int digit = file.u8(at++, "PBM sample");
            if (digit != '0' && digit != '1') {
                throw file.error("corrupt PBM: byte " + digit + " at " + (at - 1) + ", wanted 0 or 1");
            }
            out[i] = (byte) (digit - '1');
        }
        return out;
    }

    private long number(String what) {
        skipSpace();
        long value = 0;
        int digits = 0;
        while (at < file.length() && file.data()[at] >= '0' && file.data()[at] <= '9') {
            value = 10 * value + file.data()[at++] - '0';
            if (++digits > 10) {
                throw file.error("corrupt PNM: " + what + " of more than 10 digits");
            }
        }
        if (digits == 0) {
            file.u8(at, "PNM " + what);
            throw file.error("corrupt PNM: no number for " + what + " at byte " + at);
        }
        return value;
    }

    private void skipSpace() {
        while (at < file.length() && (isSpace(file.data()[at]) || file.data()[at] == '#')) {
            if (file.data()[at] == '#') {
                while (at < file.length() && file.data()[at] != '\n' && file.data()[at] != '\r') {
                    at++;
                }
            } else {
                at++;
            }
        }
    }

    private static boolean isSpace(byte b) {
        return b == ' ' || b >= 9 && b <= 13;
    }
}
