package jclip.image;

/**
 * BMP as Pillow opens it: 1, 4 and 8 bits are palette pictures unless the palette is a plain grey ramp (8 bits: grey; 1
 * bit black and white: "1"); 16, 24 and 32 bits are RGB, the fourth byte counts as alpha only where the masks of a bit
 * field say so. RLE4, RLE8, top-down files.
 */
final class BmpReader {
    private static final int RAW = 0;
    private static final int RLE8 = 1;
    private static final int RLE4 = 2;
    private static final int BIT_FIELDS = 3;

    private final Bytes file;
    private int width;
    private int height;
    private boolean topDown;
    private int bits;
    private int compression;
    private long data;
    private byte[] palette = {};
    private PixelMode mode = PixelMode.RGB;
    /** Bit positions of red, green, blue, and alpha if the picture has it. */
    private int[] shifts = {16, 8, 0};

    private int[] depths = {8, 8, 8};

    private BmpReader(Bytes file) {
        this.file = file;
    }

    static boolean accepts(Bytes file) {
        return file.startsWith('B', 'M');
    }

    static Picture read(Bytes file, long maxPixels) {
        BmpReader reader = new BmpReader(file);
        reader.header(maxPixels);
        byte[] out = reader.pixels();
        return new Picture(
                file.source(),
                reader.width,
                reader.height,
                reader.mode,
                out,
                reader.mode == PixelMode.PALETTE ? reader.palette : null);
    }

    private void header(long maxPixels) {
        data = file.u32le(10, "BMP header");
        long size = file.u32le(14, "BMP header");
        int entry = 4;
        long colours = 0;
        if (size == 12) {
            sides(file.u16le(18, "BMP header"), file.u16le(20, "BMP header"), maxPixels);
            bits = file.u16le(24, "BMP header");
            entry = 3;
        } else if (size == 40 || size == 52 || size == 56 || size == 64 || size == 108 || size == 124) {
            file.need(14, size, "BMP header");
            int high = (int) file.u32le(22, "BMP header");
            topDown = high < 0;
            sides((int) file.u32le(18, "BMP header"), Math.abs((long) high), maxPixels);
            bits = file.u16le(28, "BMP header");
            compression = (int) Math.min(file.u32le(30, "BMP header"), 99);
            colours = file.u32le(46, "BMP header");
        } else {
            throw file.error("unsupported BMP header of " + size + " bytes");
        }
        long end = 14 + size;
        if (bits == 16) {
            shifts = new int[] {10, 5, 0};
            depths = new int[] {5, 5, 5};
        }
        if (compression == BIT_FIELDS) {
            masks(size);
            end += size == 40 ? 12 : 0;
        }
        check();
        if (bits <= 8) {
            long count = colours == 0 ? 1L << bits : colours;
            readPalette(end, count, entry);
            end += count * entry;
        }
        data = data == 0 ? end : data;
        if (data >= file.length()) {
            throw file.error("truncated BMP: pixel offset " + data + " is past the end of file at " + file.length());
        }
    }

    private void sides(long wide, long high, long maxPixels) {
        file.checkSize(wide, high, maxPixels);
        width = (int) wide;
        height = (int) high;
    }

    private void check() {
        boolean depth = bits == 1 || bits == 4 || bits == 8 || bits == 16 || bits == 24 || bits == 32;
        boolean packing =
                switch (compression) {
                    case RAW -> true;
                    case RLE8 -> bits == 8;
                    case RLE4 -> bits == 4;
                    case BIT_FIELDS -> bits >= 16;
                    default -> false;
                };
        if (!depth || !packing) {
            throw file.error("unsupported BMP: " + bits + " bits a pixel, compression " + compression);
        }
    }

    private void masks(long headerSize) {
        long red = file.u32le(54, "BMP bit fields");
        long green = file.u32le(58, "BMP bit fields");
        long blue = file.u32le(62, "BMP bit fields");
        long alpha = headerSize >= 56 ? file.u32le(66, "BMP bit fields") : 0;
        if (bits == 32 && (red | green | blue | alpha) == 0) {
            red = 0xFF0000;
            green = 0xFF00;
            blue = 0xFF;
            alpha = 0xFF000000L;
        }
        boolean hasAlpha = bits == 32 && alpha != 0;
        long[] masks = hasAlpha ? new long[] {red, green, blue, alpha} : new long[] {red, green, blue};
        shifts = new int[masks.length];
        depths = new int[masks.length];
        for (int i = 0; i < masks.length; i++) {
            shifts[i] = Long.numberOfTrailingZeros(masks[i]);
            depths[i] = Long.bitCount(masks[i]);
            boolean contiguous = masks[i] != 0 && masks[i] >>> shifts[i] == (1L << depths[i]) - 1;
            if (!contiguous
                    || depths[i] != 8 && (bits != 16 || depths[i] != 5 && depths[i] != 6)
                    || shifts[i] + depths[i] > bits) {
                throw file.error("unsupported BMP bit field 0x" + Long.toHexString(masks[i]) + " with " + bits
                        + " bits a pixel");
            }
        }
        mode = hasAlpha ? PixelMode.RGBA : PixelMode.RGB;
    }

    private void readPalette(long at, long count, int entry) {
        if (count > 256) {
            throw file.error("BMP palette of " + count + " entries, wanted at most 256");
        }
        file.need(at, count * entry, "BMP palette");
        palette = new byte[768];
        boolean ramp = true;
        for (int i = 0; i < count; i++) {
            int from = (int) at + i * entry;
            int grey = count == 2 ? 255 * i : i;
            for (int c = 0; c < 3; c++) {
                palette[3 * i + c] = file.data()[from + 2 - c];
                ramp &= (palette[3 * i + c] & 255) == grey;
            }
        }
        mode = !ramp || bits == 4
                ? PixelMode.PALETTE
                : bits == 1 && count == 2
                        ? PixelMode.BILEVEL
                        : bits == 8 && count != 2 ? PixelMode.GREY : PixelMode.PALETTE;
    }

    private byte[] pixels() {
        if (compression == RLE8 || compression == RLE4) {
            return upright(runs(), 1);
        }
        long stride = ((long) width * bits + 31) / 32 * 4;
        // The last row may lack its padding.
        long needed = stride * (height - 1) + ((long) width * bits + 7) / 8;
        if (needed > file.length() - data) {
            throw file.error("truncated BMP: " + width + "x" + height + " pixels of " + bits + " bits need " + needed
                    + " bytes from " + data + " on, end of file at " + file.length());
        }
        int size = mode.bytesPerPixel();
        byte[] out = file.allocate(width, height, size);
        for (int y = 0; y < height; y++) {
            int from = (int) (data + (topDown ? y : height - 1 - y) * stride);
            row(from, out, y * width * size, size);
        }
        return out;
    }

    private void row(int from, byte[] out, int at, int size) {
        byte[] in = file.data();
        if (bits <= 8) {
            int mask = (1 << bits) - 1;
            for (int x = 0; x < width; x++) {
                int bit = x * bits;
                int value = in[from + (bit >> 3)] >> (8 - bits - (bit & 7)) & mask;
                out[at + x] = (byte) (mode == PixelMode.BILEVEL ? -value : value);
            }
            return;
        }
        int step = bits / 8;
        for (int x = 0; x < width; x++) {
            int pixel = 0;
            for (int b = 0; b < step; b++) {
                pixel |= (in[from + x * step + b] & 255) << 8 * b;
            }
            for (int c = 0; c < size; c++) {
                int top = (1 << depths[c]) - 1;
                out[at + x * size + c] = (byte) ((pixel >>> shifts[c] & top) * 255 / top);
            }
        }
    }

    private byte[] upright(byte[] bottomUp, int size) {
        if (topDown) {
            return bottomUp;
        }
        byte[] out = new byte[bottomUp.length];
        int row = width * size;
        for (int y = 0; y < height; y++) {
            System.arraycopy(bottomUp, (height - 1 - y) * row, out, y * row, row);
        }
        return out;
    }

    /** Run lengths: rows in the order of the file, index 0 where nothing is painted. */
    private byte[] runs() {
        byte[] out = file.allocate(width, height, 1);
        int at = (int) data;
        int done = 0;
        int x = 0;
        while (done < out.length) {
            int count = file.u8(at, "BMP run");
            int value = file.u8(at + 1, "BMP run");
            at += 2;
            if (count > 0) {
                int n = Math.min(Math.min(count, Math.max(0, width - x)), out.length - done);
                for (int i = 0; i < n; i++) {
                    out[done + i] = (byte) (bits == 8 ? value : i % 2 == 0 ? value >> 4 : value & 15);
                }
                done += n;
                x += n;
            } else if (value == 0) {
                done += (width - done % width) % width;
                x = 0;
            } else if (value == 1) {
                break;
            } else if (value == 2) {
                long skip = file.u8(at, "BMP delta") + (long) file.u8(at + 1, "BMP delta") * width;
                at += 2;
                done = (int) Math.min(out.length, done + skip);
                x = done % width;
            } else {
                int bytes = bits == 8 ? value : value / 2;
                file.need(at, bytes, "BMP run of single pixels");
                int n = bits == 8 ? bytes : bytes * 2;
                for (int i = 0; i < n && done < out.length; i++) {
                    int pair = file.data()[at + (bits == 8 ? i : i / 2)];
                    out[done++] = (byte) (bits == 8 ? pair : i % 2 == 0 ? pair >> 4 & 15 : pair & 15);
                }
                x += value;
                at += bytes;
                at += at & 1;
            }
        }
        if (done < out.length) {
            throw file.error("truncated BMP: its runs give " + done + " of " + out.length + " pixels");
        }
        return out;
    }
}
