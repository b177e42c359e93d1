package jclip.image;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Pillow's resampling in plain Java, in the order of its formula: the reference that the native versions are compared
 * with, and the way of the rare modes. A plane is rows x columns x channels bytes (or 16-bit values) without gaps.
 */
final class Resampler {
    private static final int HALF = 1 << (Windows.PRECISION - 1);
    /** Above this ratio of height to width a shrinking vertical pass comes first. */
    private static final int TALL = 100;

    private Resampler() {}

    /** Resampling of 8-bit channels that can be averaged: here or natively. */
    interface EightBit {
        byte[] resize(MemorySegment in, int channels, Frame rows, Frame columns, Interpolation filter);
    }

    static boolean verticalFirst(Frame rows, Frame columns) {
        return rows.in() > (long) TALL * columns.in() && rows.resized() < rows.in();
    }

    /** The surviving part of the resized picture, frames' counts rows x columns, in the picture's mode. */
    static byte[] resize(Picture picture, Frame rows, Frame columns, Interpolation filter, EightBit eightBit) {
        try {
            return surviving(picture, rows, columns, filter, eightBit);
        } catch (ArithmeticException | OutOfMemoryError e) {
            throw tooLarge(picture, rows, columns, e);
        }
    }

    static ImageException tooLarge(Picture picture, Frame rows, Frame columns, Throwable cause) {
        return new ImageException(
                picture.source(),
                "too large to resize: " + columns.in() + "x" + rows.in() + " pixels to " + columns.resized() + "x"
                        + rows.resized(),
                cause);
    }

    private static byte[] surviving(
            Picture picture, Frame rows, Frame columns, Interpolation filter, EightBit eightBit) {
        PixelMode mode = picture.mode();
        int size = mode.bytesPerPixel();
        if (!rows.resizes() && !columns.resizes()) {
            return cut(picture.pixels(), picture.width(), size, rows, columns);
        }
        if (mode.nearestOnly() || filter == Interpolation.NEAREST) {
            return pick(picture.pixels(), picture.width(), size, Windows.nearest(rows), Windows.nearest(columns));
        }
        if (mode == PixelMode.GREY16) {
            return resize16(picture.pixels(), rows, columns, filter);
        }
        if (mode.hasAlpha()) {
            byte[] out = eightBit.resize(
                    MemorySegment.ofArray(premultiplied(picture.pixels(), size)), size, rows, columns, filter);
            unpremultiply(out, size);
            return out;
        }
        return eightBit.resize(picture.memory(), size, rows, columns, filter);
    }

    private static byte[] cut(byte[] in, int width, int size, Frame rows, Frame columns) {
        int row = columns.count() * size;
        byte[] out = new byte[Math.multiplyExact(rows.count(), row)];
        for (int y = 0; y < rows.count(); y++) {
            System.arraycopy(in, ((rows.from() + y) * width + columns.from()) * size, out, y * row, row);
        }
        return out;
    }

    private static byte[] pick(byte[] in, int width, int size, int[] rows, int[] columns) {
        byte[] out = new byte[Math.multiplyExact(rows.length, columns.length * size)];
        int at = 0;
        for (int y : rows) {
            for (int x : columns) {
                for (int c = 0; c < size; c++) {
                    out[at++] = in[(y * width + x) * size + c];
                }
            }
        }
        return out;
    }

    static byte[] resize8(byte[] in, int channels, Frame rows, Frame columns, Interpolation filter) {
        if (verticalFirst(rows, columns)) {
            byte[] part = vertical(in, columns.in() * channels, rows, filter, 0);
            return horizontal(part, 0, rows.count(), channels, columns, filter);
        }
        if (!rows.resizes()) {
            return horizontal(in, rows.from(), rows.count(), channels, columns, filter);
        }
        Windows windows = Windows.of(rows, filter);
        byte[] part = horizontal(in, windows.from(), windows.to() - windows.from(), channels, columns, filter);
        return vertical(part, columns.count() * channels, rows, filter, windows.from());
    }

    /** Rows [row, row + count) of the plane, each resampled to the surviving columns. */
    private static byte[] horizontal(byte[] in, int row, int count, int channels, Frame columns, Interpolation filter) {
        int width = columns.count();
        byte[] out = new byte[Math.multiplyExact(count, width * channels)];
        int stride = columns.in() * channels;
        if (!columns.resizes()) {
            for (int y = 0; y < count; y++) {
                System.arraycopy(
                        in,
                        (row + y) * stride + columns.from() * channels,
                        out,
                        y * width * channels,
                        width * channels);
            }
            return out;
        }
        Windows windows = Windows.of(columns, filter);
        int at = 0;
        for (int y = 0; y < count; y++) {
            for (int x = 0; x < width; x++) {
                int start = (row + y) * stride + windows.first()[x] * channels;
                for (int c = 0; c < channels; c++) {
                    out[at++] = weigh(in, start + c, channels, windows, x);
                }
            }
        }
        return out;
    }

    /** All columns of the plane, whose first row is row {@code base} of the source, resampled to the surviving rows. */
    private static byte[] vertical(byte[] in, int stride, Frame rows, Interpolation filter, int base) {
        Windows windows = Windows.of(rows, filter);
        byte[] out = new byte[Math.multiplyExact(rows.count(), stride)];
        int at = 0;
        for (int y = 0; y < rows.count(); y++) {
            int start = (windows.first()[y] - base) * stride;
            for (int x = 0; x < stride; x++) {
                out[at++] = weigh(in, start + x, stride, windows, y);
            }
        }
        return out;
    }

    private static byte weigh(byte[] in, int start, int step, Windows windows, int output) {
        int[] weights = windows.fixed();
        int w = output * windows.taps();
        int sum = HALF;
        int from = start;
        for (int i = 0; i < windows.size()[output]; i++) {
            sum += (in[from] & 255) * weights[w + i];
            from += step;
        }
        return (byte) Math.clamp(sum >> Windows.PRECISION, 0, 255);
    }

    static byte[] premultiplied(byte[] in, int size) {
        byte[] out = new byte[in.length];
        for (int p = 0; p < in.length; p += size) {
            int alpha = in[p + size - 1] & 255;
            for (int c = 0; c < size - 1; c++) {
                out[p + c] = (byte) Rgb.multiply(in[p + c] & 255, alpha);
            }
            out[p + size - 1] = (byte) alpha;
        }
        return out;
    }

    static void unpremultiply(byte[] pixels, int size) {
        for (int p = 0; p < pixels.length; p += size) {
            int alpha = pixels[p + size - 1] & 255;
            if (alpha != 0 && alpha != 255) {
                for (int c = 0; c < size - 1; c++) {
                    pixels[p + c] = (byte) Math.min(255, 255 * (pixels[p + c] & 255) / alpha);
                }
            }
        }
    }

    private static byte[] resize16(byte[] in, Frame rows, Frame columns, Interpolation filter) {
        char[] plane = new char[in.length / 2];
        for (int i = 0; i < plane.length; i++) {
            plane[i] = (char) ((in[2 * i] & 255) | (in[2 * i + 1] & 255) << 8);
        }
        char[] out = verticalFirst(rows, columns)
                ? horizontal16(vertical16(plane, columns.in(), rows, filter), rows.count(), columns, filter)
                : vertical16(horizontal16(plane, rows.in(), columns, filter), columns.count(), rows, filter);
        byte[] bytes = new byte[out.length * 2];
        for (int i = 0; i < out.length; i++) {
            bytes[2 * i] = (byte) out[i];
            bytes[2 * i + 1] = (byte) (out[i] >> 8);
        }
        return bytes;
    }

    private static char[] horizontal16(char[] in, int count, Frame columns, Interpolation filter) {
        int width = columns.count();
        char[] out = new char[Math.multiplyExact(count, width)];
        Windows windows = columns.resizes() ? Windows.of(columns, filter) : null;
        for (int y = 0; y < count; y++) {
            int start = y * columns.in();
            if (windows == null) {
                System.arraycopy(in, start + columns.from(), out, y * width, width);
                continue;
            }
            for (int x = 0; x < width; x++) {
                out[y * width + x] = weigh16(in, start + windows.first()[x], 1, windows, x);
            }
        }
        return out;
    }

    private static char[] vertical16(char[] in, int stride, Frame rows, Interpolation filter) {
        if (!rows.resizes()) {
            return Arrays.copyOfRange(in, rows.from() * stride, (rows.from() + rows.count()) * stride);
        }
        Windows windows = Windows.of(rows, filter);
        char[] out = new char[Math.multiplyExact(rows.count(), stride)];
        for (int y = 0; y < rows.count(); y++) {
            for (int x = 0; x < stride; x++) {
                out[y * stride + x] = weigh16(in, windows.first()[y] * stride + x, stride, windows, y);
            }
        }
        return out;
    }

    private static char weigh16(char[] in, int start, int step, Windows windows, int output) {
        double sum = 0;
        for (int i = 0; i < windows.size()[output]; i++) {
            sum += in[start + i * step] * windows.weights()[output * windows.taps() + i];
        }
        double rounded = sum >= 0 ? Math.floor(sum + 0.5) : -Math.floor(-sum + 0.5);
        return (char) Math.clamp((long) rounded, 0, 65535);
    }
}
