package jclip.image;

import java.util.Arrays;

/**
 * The first frame of a GIF as Pillow opens it: palette indices, or grey where the palette is a plain ramp or missing;
 * what the frame leaves free holds the transparent index, else 0; a frame that reaches outside enlarges the canvas.
 */
final class GifReader {
    private static final int TABLE = 4096;
    /** Interlace: first row and step of the four passes. */
    private static final int[][] PASSES = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};

    private final Bytes file;
    private final long maxPixels;
    private byte[] palette = {};
    private int transparent = -1;
    private int at = 13;

    private GifReader(Bytes file, long maxPixels) {
        this.file = file;
        this.maxPixels = maxPixels;
    }

    static boolean accepts(Bytes file) {
        return file.ascii(0, "GIF87a") || file.ascii(0, "GIF89a");
    }

    static Picture read(Bytes file, long maxPixels) {
        return new GifReader(file, maxPixels).read();
    }

    private Picture read() {
        int width = file.u16le(6, "GIF header");
        int height = file.u16le(8, "GIF header");
        int flags = file.u8(10, "GIF header");
        file.need(0, 13, "GIF header");
        if (width != 0 && height != 0) {
            file.checkSize(width, height, maxPixels);
        }
        readPalette(flags);
        findFrame();
        int x = file.u16le(at, "GIF frame");
        int y = file.u16le(at + 2, "GIF frame");
        int wide = file.u16le(at + 4, "GIF frame");
        int high = file.u16le(at + 6, "GIF frame");
        int frameFlags = file.u8(at + 8, "GIF frame");
        at += 9;
        readPalette(frameFlags);
        width = Math.max(width, x + wide);
        height = Math.max(height, y + high);
        file.checkSize(width, height, maxPixels);
        file.checkSize(wide, high, maxPixels);
        byte[] out = file.allocate(width, height, 1);
        if (transparent > 0) {
            Arrays.fill(out, (byte) transparent);
        }
        byte[] frame = x == 0 && y == 0 && wide == width && high == height ? out : file.allocate(wide, high, 1);
        decode(frame);
        boolean interlaced = (frameFlags & 0x40) != 0;
        if (interlaced || frame != out) {
            place(interlaced ? frame.clone() : frame, wide, high, interlaced, out, width, y * width + x);
        }
        boolean ramp = isRamp();
        return new Picture(
                file.source(),
                width,
                height,
                ramp ? PixelMode.GREY : PixelMode.PALETTE,
                out,
                ramp ? null : Arrays.copyOf(palette, 768));
    }

    private void readPalette(int flags) {
        if ((flags & 0x80) != 0) {
            int size = 3 << ((flags & 7) + 1);
            file.need(at, size, "GIF palette");
            palette = Arrays.copyOfRange(file.data(), at, at + size);
            at += size;
        }
    }

    private boolean isRamp() {
        for (int i = 0; i < palette.length; i++) {
            if ((palette[i] & 255) != i / 3) {
                return false;
            }
        }
        return true;
    }

    /** To the first image descriptor; the last graphic control before it names the transparent index. */
    private void findFrame() {
        while (true) {
            int code = at < file.length() ? file.u8(at, "GIF block") : ';';
            at++;
            if (code == ',') {
                return;
            }
            if (code == ';') {
                throw file.error("GIF without a frame (no image), " + file.length() + " bytes");
            }
            if (code == '!') {
                extension();
            }
        }
    }

    private void extension() {
        int label = file.u8(at++, "GIF extension");
        int length = file.u8(at, "GIF extension");
        if (label == 0xF9 && length >= 4 && (file.u8(at + 1, "GIF graphic control") & 1) != 0) {
            transparent = file.u8(at + 4, "GIF graphic control");
        }
        while (length != 0) {
            at += 1 + length;
            length = file.u8(at, "GIF extension");
        }
        at++;
    }

    /** LZW with codes from the lowest bits on; fills the frame in the order of the file. */
    private void decode(byte[] frame) {
        int bits = file.u8(at++, "GIF code size");
        if (bits < 1 || bits > 11) {
            throw file.error("corrupt GIF: code size " + bits + ", wanted 1 to 11");
        }
        new Lzw(bits).decode(frame);
    }

    private final class Lzw {
        private final short[] prefix = new short[TABLE];
        private final byte[] suffix = new byte[TABLE];
        private final short[] length = new short[TABLE];
        private final int clear;
        private final int minimum;
        private int block;
        private int buffer;
        private int buffered;

        Lzw(int bits) {
            clear = 1 << bits;
            minimum = bits + 1;
            for (int i = 0; i < clear; i++) {
                suffix[i] = (byte) i;
                length[i] = 1;
            }
        }

        void decode(byte[] frame) {
            int size = minimum;
            int next = clear + 2;
            int last = -1;
            int done = 0;
            while (done < frame.length) {
                int code = code(size, done, frame.length);
                if (code == clear) {
                    size = minimum;
                    next = clear + 2;
                    last = -1;
                    continue;
                }
                if (code == clear + 1) {
                    throw file.error("truncated GIF: the data end after " + done + " of " + frame.length + " pixels");
                }
                if (code > next || code >= clear && last < 0 || code == next && (last < 0 || next >= TABLE)) {
                    throw file.error("corrupt GIF: code " + code + " after " + done + " pixels");
                }
                if (last >= 0 && next < TABLE) {
                    prefix[next] = (short) last;
                    length[next] = (short) (length[last] + 1);
                    suffix[next] = code == next ? first(last) : first(code);
                    next++;
                    if (next == 1 << size && size < 12) {
                        size++;
                    }
                }
                done = write(code, frame, done);
                last = code;
            }
        }

        private byte first(int code) {
            int c = code;
            while (c >= clear) {
                c = prefix[c];
            }
            return (byte) c;
        }

        private int write(int code, byte[] frame, int done) {
            int end = done + length[code];
            int c = code;
            for (int i = end - 1; i >= done; i--) {
                if (i < frame.length) {
                    frame[i] = suffix[c];
                }
                c = prefix[c];
            }
            return Math.min(end, frame.length);
        }

        private int code(int size, int done, int wanted) {
            while (buffered < size) {
                while (block == 0) {
                    if (at >= file.length()) {
                        throw file.error("truncated GIF: end of file after " + done + " of " + wanted + " pixels");
                    }
                    block = file.u8(at++, "GIF data");
                }
                if (at >= file.length()) {
                    throw file.error("truncated GIF: end of file after " + done + " of " + wanted + " pixels");
                }
                buffer |= file.u8(at++, "GIF data") << buffered;
                buffered += 8;
                block--;
            }
            int code = buffer & (1 << size) - 1;
            buffer >>>= size;
            buffered -= size;
            return code;
        }
    }

    private static void place(
            byte[] frame, int wide, int high, boolean interlaced, byte[] out, int stride, int offset) {
        int row = 0;
        for (int[] pass : interlaced ? PASSES : new int[][] {{0, 1}}) {
            for (int y = pass[0]; y < high; y += pass[1]) {
                System.arraycopy(frame, row * wide, out, offset + y * stride, wide);
                row++;
            }
        }
    }
}
