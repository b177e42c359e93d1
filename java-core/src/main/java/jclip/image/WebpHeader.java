package jclip.image;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * The container of a WebP file, walked to the first frame: that it is whole, how large canvas and frame are, whether
 * there is alpha.
 *
 * @param data position of the frame's first chunk (ALPH, VP8 or VP8L)
 * @param end one past its last
 */
record WebpHeader(
        int width,
        int height,
        boolean alpha,
        int frameX,
        int frameY,
        int frameWidth,
        int frameHeight,
        int data,
        int end) {
    private static final int ALPHA_FLAG = 0x10;

    static boolean accepts(Bytes file) {
        return file.ascii(0, "RIFF") && file.ascii(8, "WEBP");
    }

    boolean fillsCanvas() {
        return frameX == 0 && frameY == 0 && frameWidth == width && frameHeight == height;
    }

    static WebpHeader read(Bytes file, long maxPixels) {
        long end = file.u32le(4, "WebP header") + 8;
        if (end > file.length()) {
            throw file.error(
                    "truncated WebP: its header says " + end + " bytes (size), end of file at " + file.length());
        }
        return new Walk(file, maxPixels).chunks(12, (int) end);
    }

    /** The frame as a file of its own. */
    byte[] still(Bytes file) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(end - data + 30);
        boolean extended = file.ascii(data, "ALPH");
        out.writeBytes("RIFF".getBytes(StandardCharsets.US_ASCII));
        number(out, end - data + (extended ? 22 : 4), 4);
        out.writeBytes("WEBP".getBytes(StandardCharsets.US_ASCII));
        if (extended) {
            out.writeBytes("VP8X".getBytes(StandardCharsets.US_ASCII));
            number(out, 10, 4);
            number(out, ALPHA_FLAG, 4);
            number(out, frameWidth - 1, 3);
            number(out, frameHeight - 1, 3);
        }
        out.write(file.data(), data, end - data);
        return out.toByteArray();
    }

    private static void number(ByteArrayOutputStream out, int value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write(value >> 8 * i);
        }
    }

    private static final class Walk {
        private final Bytes file;
        private final long maxPixels;
        private int width;
        private int height;
        private boolean alpha;
        private int frameX;
        private int frameY;
        /** First ALPH chunk of the frame, -1 if none. */
        private int alphaData = -1;

        Walk(Bytes file, long maxPixels) {
            this.file = file;
            this.maxPixels = maxPixels;
        }

        /** Chunks between two positions up to the first frame's picture data. */
        WebpHeader chunks(int from, int end) {
            long at = from;
            while (at + 8 <= end) {
                long size = file.u32le(at + 4, "WebP chunk");
                if (size > end - at - 8) {
                    throw file.error("truncated WebP: a chunk at byte " + at + " of " + size
                            + " bytes runs past the end at " + end);
                }
                int chunk = (int) at;
                int next = (int) Math.min(end, at + 8 + size + (size & 1));
                if (file.ascii(chunk, "VP8X")) {
                    canvas(chunk + 8);
                } else if (file.ascii(chunk, "ALPH") && alphaData < 0) {
                    alphaData = chunk;
                } else if (file.ascii(chunk, "ANMF")) {
                    frameX = 2 * u24(chunk + 8);
                    frameY = 2 * u24(chunk + 11);
                    return chunks(chunk + 24, (int) (at + 8 + size));
                } else if (file.ascii(chunk, "VP8 ")) {
                    return frame(
                            file.u16le(chunk + 14, "WebP frame") & 0x3FFF,
                            file.u16le(chunk + 16, "WebP frame") & 0x3FFF,
                            alphaData < 0 ? chunk : alphaData,
                            next,
                            alphaData >= 0);
                } else if (file.ascii(chunk, "VP8L")) {
                    long bits = file.u32le(chunk + 9, "WebP frame");
                    return frame(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), chunk, next, (bits >> 28 & 1) != 0);
                }
                at = next;
            }
            throw file.error("WebP without image data");
        }

        private void canvas(int at) {
            alpha = (file.u8(at, "WebP canvas") & ALPHA_FLAG) != 0;
            width = 1 + u24(at + 4);
            height = 1 + u24(at + 7);
            file.checkSize(width, height, maxPixels);
        }

        private WebpHeader frame(long wide, long high, int data, int end, boolean ownAlpha) {
            file.checkSize(wide, high, maxPixels);
            if (width == 0) {
                width = (int) wide;
                height = (int) high;
                alpha = ownAlpha;
            }
            if (frameX + wide > width || frameY + high > height) {
                throw file.error("corrupt WebP: a frame of " + wide + "x" + high + " at " + frameX + "," + frameY
                        + " reaches outside its canvas of " + width + "x" + height);
            }
            return new WebpHeader(width, height, alpha, frameX, frameY, (int) wide, (int) high, data, end);
        }

        private int u24(int at) {
            return file.u16le(at, "WebP canvas") | file.u8(at + 2, "WebP canvas") << 16;
        }
    }
}
