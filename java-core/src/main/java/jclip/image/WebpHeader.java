package jclip.image;

/** The container of a WebP file: that it is whole, and how large the canvas is. */
final class WebpHeader {
    private WebpHeader() {}

    static boolean accepts(Bytes file) {
        return file.ascii(0, "RIFF") && file.ascii(8, "WEBP");
    }

    static void check(Bytes file, long maxPixels) {
        long end = file.u32le(4, "WebP header") + 8;
        if (end > file.length()) {
            throw file.error("truncated WebP: its header says " + end + " bytes (size), end of file at " + file.length());
        }
        long at = 12;
        boolean frame = false;
        while (at + 8 <= end && !frame) {
            long size = file.u32le(at + 4, "WebP chunk");
            if (size > end - at - 8) {
                throw file.error("truncated WebP: a chunk at byte " + at + " of " + size + " bytes runs past the end at " + end);
            }
            frame = chunk(file, (int) at, size, maxPixels);
            at += 8 + size + (size & 1);
        }
        if (!frame) {
            throw file.error("WebP without image data");
        }
    }

    /** True when this chunk begins the picture's data. */
    private static boolean chunk(Bytes file, int at, long size, long maxPixels) {
        int data = at + 8;
        if (file.ascii(at, "VP8X")) {
            file.checkSize(1 + u24(file, data + 4), 1 + u24(file, data + 7), maxPixels);
            return false;
        }
        if (file.ascii(at, "VP8 ")) {
            file.checkSize(file.u16le(data + 6, "WebP frame") & 0x3FFF, file.u16le(data + 8, "WebP frame") & 0x3FFF, maxPixels);
            return true;
        }
        if (file.ascii(at, "VP8L")) {
            long bits = file.u32le(data + 1, "WebP frame");
            file.checkSize(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), maxPixels);
            return true;
        }
        return file.ascii(at, "ANMF") && size > 0;
    }

    private static long u24(Bytes file, int at) {
        return file.u16le(at, "WebP canvas") | (long) file.u8(at + 2, "WebP canvas") << 16;
    }
}
