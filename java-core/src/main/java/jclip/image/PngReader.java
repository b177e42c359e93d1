package jclip.image;

import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * PNG as Pillow opens it: grey of 1 bit is "1", 2 to 8 bits "L", 16 bits "I;16"; palette stays palette; 16-bit RGB
 * keeps the high byte; 16-bit grey with alpha becomes RGBA. tRNS, gAMA, iCCP and text are not looked at. Checksums are
 * checked up to the first IDAT, whose own data zlib protects; inflating stops when the rows are full.
 */
final class PngReader {
    private static final int GREY = 0;
    private static final int RGB = 2;
    private static final int PALETTE = 3;
    private static final int GREY_ALPHA = 4;
    private static final int RGBA = 6;
    /** Adam7: first column, first row, column step, row step. */
    private static final int[][] ADAM7 = {
        {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
    };

    private final Bytes file;
    private final Inflater inflater = new Inflater();
    private int width;
    private int height;
    private int depth;
    private int colour;
    private boolean interlaced;
    private byte[] palette = {};
    private long chunk = 8;

    private PngReader(Bytes file) {
        this.file = file;
    }

    static boolean accepts(Bytes file) {
        return file.startsWith(0x89, 'P', 'N', 'G', 13, 10, 26, 10);
    }

    static Picture read(Bytes file, long maxPixels) {
        PngReader reader = new PngReader(file);
        try {
            reader.header(maxPixels);
            reader.findData();
            return reader.pixels();
        } finally {
            reader.inflater.end();
        }
    }

    private void header(long maxPixels) {
        long length = file.u32be(8, "PNG header");
        if (length != 13 || !file.ascii(12, "IHDR")) {
            throw file.error("not a valid PNG: the first chunk is not a header (IHDR) of 13 bytes");
        }
        checkCrc(8, 13);
        long wide = file.u32be(16, "PNG header");
        long high = file.u32be(20, "PNG header");
        depth = file.u8(24, "PNG header");
        colour = file.u8(25, "PNG header");
        if (!depthIsValid()) {
            throw file.error("PNG bit depth " + depth + " is not valid for colour type " + colour);
        }
        int compression = file.u8(26, "PNG header");
        int filter = file.u8(27, "PNG header");
        int interlace = file.u8(28, "PNG header");
        if (compression != 0 || filter != 0 || interlace > 1) {
            throw file.error("unknown PNG compression " + compression + ", filter " + filter + " or interlace method "
                    + interlace);
        }
        file.checkSize(wide, high, maxPixels);
        width = (int) wide;
        height = (int) high;
        interlaced = interlace == 1;
        chunk = 8 + 12 + 13;
    }

    private boolean depthIsValid() {
        return switch (colour) {
            case GREY -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
            case PALETTE -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
            case RGB, GREY_ALPHA, RGBA -> depth == 8 || depth == 16;
            default -> false;
        };
    }

    private void checkCrc(long at, long length) {
        file.need(at, length + 12, "PNG chunk of length " + length);
        CRC32 crc = new CRC32();
        crc.update(file.data(), (int) at + 4, (int) length + 4);
        if (crc.getValue() != file.u32be(at + 8 + length, "checksum")) {
            throw file.error("corrupt PNG: checksum (CRC) of the chunk at byte " + at + " is wrong");
        }
    }

    /** Walks to the first IDAT and keeps the palette on the way. */
    private void findData() {
        while (!file.ascii((int) Math.min(chunk + 4, file.length()), "IDAT")) {
            if (chunk >= file.length() || file.ascii((int) chunk + 4, "IEND")) {
                throw file.error(
                        "PNG holds no image data (no IDAT chunk) before the end of file, byte " + file.length());
            }
            long length = file.u32be(chunk, "PNG chunk header");
            checkCrc(chunk, length);
            if (colour == PALETTE && file.ascii((int) chunk + 4, "PLTE")) {
                readPalette(length);
            }
            chunk += 12 + length;
        }
        if (colour == PALETTE && palette.length == 0) {
            throw file.error("PNG palette missing: colour type 3 needs a PLTE chunk before the image data");
        }
    }

    private void readPalette(long length) {
        if (length == 0 || length % 3 != 0 || length > 768) {
            throw file.error("PNG palette of " + length + " bytes: wanted 3 to 768, a multiple of 3");
        }
        // Entries that the file does not give are black.
        palette = Arrays.copyOf(Arrays.copyOfRange(file.data(), (int) chunk + 8, (int) (chunk + 8 + length)), 768);
    }

    private int channels() {
        return switch (colour) {
            case RGB -> 3;
            case GREY_ALPHA -> 2;
            case RGBA -> 4;
            default -> 1;
        };
    }

    private PixelMode mode() {
        return switch (colour) {
            case GREY -> depth == 1 ? PixelMode.BILEVEL : depth == 16 ? PixelMode.GREY16 : PixelMode.GREY;
            case PALETTE -> PixelMode.PALETTE;
            case RGB -> PixelMode.RGB;
            case GREY_ALPHA -> depth == 16 ? PixelMode.RGBA : PixelMode.GREY_ALPHA;
            default -> PixelMode.RGBA;
        };
    }

    private Picture pixels() {
        byte[] out = file.allocate(width, height, mode().bytesPerPixel());
        if (interlaced) {
            for (int[] pass : ADAM7) {
                pass(out, pass[0], pass[1], pass[2], pass[3]);
            }
        } else {
            pass(out, 0, 0, 1, 1);
        }
        checkEnd();
        return new Picture(file.source(), width, height, mode(), out, colour == PALETTE ? palette : null);
    }

    private void pass(byte[] out, int x0, int y0, int stepX, int stepY) {
        int columns = (int) (((long) width - x0 + stepX - 1) / stepX);
        int rows = (int) (((long) height - y0 + stepY - 1) / stepY);
        if (columns <= 0 || rows <= 0) {
            return;
        }
        long bits = (long) columns * channels() * depth;
        int rowBytes = Math.toIntExact((bits + 7) / 8);
        int pixelBytes = Math.max(1, channels() * depth / 8);
        byte[] previous = new byte[pixelBytes + rowBytes];
        byte[] current = new byte[pixelBytes + rowBytes];
        byte[] filter = new byte[1];
        for (int row = 0; row < rows; row++) {
            fill(filter, 0, 1, row);
            fill(current, pixelBytes, rowBytes, row);
            unfilter(filter[0], current, previous, pixelBytes);
            store(current, pixelBytes, columns, out, (y0 + (long) row * stepY) * width + x0, stepX);
            byte[] swap = previous;
            previous = current;
            current = swap;
        }
    }

    /** Inflates exactly count bytes; IDAT chunks are read on as needed. */
    private void fill(byte[] into, int at, int count, int row) {
        try {
            int done = 0;
            while (done < count) {
                int n = inflater.inflate(into, at + done, count - done);
                done += n;
                if (n == 0) {
                    if (inflater.finished()) {
                        throw file.error(
                                "truncated PNG: too little data, the zlib stream ends in row " + row + " of " + height);
                    }
                    if (inflater.needsDictionary() || !nextData()) {
                        throw file.error("truncated PNG: end of file at byte " + file.length() + " in row " + row
                                + " of " + height);
                    }
                }
            }
        } catch (DataFormatException e) {
            throw file.error("corrupt PNG: zlib data, " + e.getMessage(), e);
        }
    }

    /** Hands the next IDAT chunk to the inflater; a length beyond the file's end is cut there. */
    private boolean nextData() {
        while (chunk + 8 <= file.length() && file.ascii((int) chunk + 4, "IDAT")) {
            long length = file.u32be(chunk, "PNG chunk header");
            int from = (int) chunk + 8;
            int count = (int) Math.min(length, file.length() - from);
            chunk += 12 + length;
            if (count > 0) {
                inflater.setInput(file.data(), from, count);
                return true;
            }
        }
        return false;
    }

    /** After the last row the stream may end (then zlib compares its checksum) or hold more, which nobody needs. */
    private void checkEnd() {
        byte[] one = new byte[1];
        try {
            while (!inflater.finished() && inflater.inflate(one) == 0) {
                if (inflater.finished() || inflater.needsDictionary() || !nextData()) {
                    return;
                }
            }
        } catch (DataFormatException e) {
            throw file.error("corrupt PNG: zlib checksum, " + e.getMessage(), e);
        }
    }

    private void unfilter(int filter, byte[] row, byte[] up, int bpp) {
        int end = row.length;
        switch (filter) {
            case 0 -> {}
            case 1 -> {
                for (int i = bpp; i < end; i++) {
                    row[i] += row[i - bpp];
                }
            }
            case 2 -> {
                for (int i = bpp; i < end; i++) {
                    row[i] += up[i];
                }
            }
            case 3 -> {
                for (int i = bpp; i < end; i++) {
                    row[i] += (byte) (((row[i - bpp] & 255) + (up[i] & 255)) >> 1);
                }
            }
            case 4 -> {
                for (int i = bpp; i < end; i++) {
                    row[i] += (byte) paeth(row[i - bpp] & 255, up[i] & 255, up[i - bpp] & 255);
                }
            }
            default -> throw file.error("corrupt PNG: row filter " + (filter & 255) + ", wanted 0 to 4");
        }
    }

    private static int paeth(int a, int b, int c) {
        int p = a + b - c;
        int da = Math.abs(p - a);
        int db = Math.abs(p - b);
        int dc = Math.abs(p - c);
        return da <= db && da <= dc ? a : db <= dc ? b : c;
    }

    /** One row of a pass into the picture; step is in pixels. */
    private void store(byte[] row, int from, int columns, byte[] out, long pixel, int step) {
        int size = mode().bytesPerPixel();
        if (depth == 8 && step == 1) {
            System.arraycopy(row, from, out, (int) (pixel * size), columns * size);
            return;
        }
        for (int x = 0; x < columns; x++) {
            int at = (int) ((pixel + (long) x * step) * size);
            switch (depth) {
                case 8 -> System.arraycopy(row, from + x * size, out, at, size);
                case 16 -> store16(row, from + x * channels() * 2, out, at);
                default -> out[at] = packed(row, from, x);
            }
        }
    }

    private byte packed(byte[] row, int from, int x) {
        int bit = x * depth;
        int value = (row[from + (bit >> 3)] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
        return (byte) (colour == PALETTE ? value : value * 255 / ((1 << depth) - 1));
    }

    private void store16(byte[] row, int from, byte[] out, int at) {
        switch (colour) {
            case GREY -> {
                out[at] = row[from + 1];
                out[at + 1] = row[from];
            }
            case GREY_ALPHA -> {
                out[at] = row[from];
                out[at + 1] = row[from];
                out[at + 2] = row[from];
                out[at + 3] = row[from + 2];
            }
            default -> {
                for (int c = 0; c < channels(); c++) {
                    out[at + c] = row[from + 2 * c];
                }
            }
        }
    }
}
