package jclip.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Writes the PNG files of the tests: any colour type, every row with another filter. */
final class PngWriter {
    private PngWriter() {}

    /** rows: packed as PNG wants them, rowBytes each. */
    static byte[] write(int width, int height, int depth, int colour, byte[] rows, byte... palette) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
        chunk(
                out,
                "IHDR",
                ByteBuffer.allocate(13)
                        .putInt(width)
                        .putInt(height)
                        .put((byte) depth)
                        .put((byte) colour)
                        .array());
        if (palette.length > 0) {
            chunk(out, "PLTE", palette);
        }
        int channels = colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1;
        int rowBytes = (width * channels * depth + 7) / 8;
        chunk(out, "IDAT", deflated(filtered(rows, height, rowBytes, Math.max(1, channels * depth / 8))));
        chunk(out, "IEND", new byte[0]);
        return out.toByteArray();
    }

    private static byte[] filtered(byte[] rows, int height, int rowBytes, int bpp) {
        byte[] out = new byte[height * (rowBytes + 1)];
        for (int y = 0; y < height; y++) {
            int filter = y % 5;
            out[y * (rowBytes + 1)] = (byte) filter;
            for (int i = 0; i < rowBytes; i++) {
                int a = i < bpp ? 0 : rows[y * rowBytes + i - bpp] & 255;
                int b = y == 0 ? 0 : rows[(y - 1) * rowBytes + i] & 255;
                int c = i < bpp || y == 0 ? 0 : rows[(y - 1) * rowBytes + i - bpp] & 255;
                int p = a + b - c;
                int nearest = Math.abs(p - a) <= Math.abs(p - b) && Math.abs(p - a) <= Math.abs(p - c)
                        ? a
                        : Math.abs(p - b) <= Math.abs(p - c) ? b : c;
                int guess = new int[] {0, a, b, (a + b) / 2, nearest}[filter];
                out[y * (rowBytes + 1) + 1 + i] = (byte) (rows[y * rowBytes + i] - guess);
            }
        }
        return out;
    }

    private static byte[] deflated(byte[] data) {
        Deflater deflater = new Deflater();
        deflater.setInput(data);
        deflater.finish();
        byte[] buffer = new byte[data.length + 100];
        int size = deflater.deflate(buffer);
        deflater.end();
        return Arrays.copyOf(buffer, size);
    }

    private static void chunk(ByteArrayOutputStream out, String type, byte[] data) {
        byte[] body = ByteBuffer.allocate(4 + data.length)
                .put(type.getBytes(StandardCharsets.US_ASCII))
                .put(data)
                .array();
        CRC32 crc = new CRC32();
        crc.update(body);
        out.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
        out.writeBytes(body);
        out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    }

    /** Puts right the checksums of all chunks that can be found, so that damage inside reaches the reader. */
    static void repair(byte[] png) {
        ByteBuffer file = ByteBuffer.wrap(png);
        int at = 8;
        while (at + 12 <= png.length) {
            int length = file.getInt(at);
            if (length < 0 || length > png.length - at - 12) {
                return;
            }
            CRC32 crc = new CRC32();
            crc.update(png, at + 4, length + 4);
            file.putInt(at + 8 + length, (int) crc.getValue());
            at += 12 + length;
        }
    }
}
