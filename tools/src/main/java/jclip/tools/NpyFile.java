package jclip.tools;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * Writes NumPy's array files, format 1.0, C order. A file appears whole (temporary name, sync, rename) or not at all.
 *
 * @see <a href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">the format</a>
 */
final class NpyFile {
    private static final int ALIGNMENT = 64;
    private static final int PREAMBLE = 10;

    private NpyFile() {}

    /** float32 [rows, columns]. */
    static void write(Path file, float[][] rows) throws IOException {
        int columns = rows.length == 0 ? 0 : rows[0].length;
        ByteBuffer data = ByteBuffer.allocate(Math.multiplyExact(rows.length, columns * Float.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (float[] row : rows) {
            for (float value : row) {
                data.putFloat(value);
            }
        }
        write(file, "<f4", data.array(), rows.length, columns);
    }

    /** uint8 of any shape, row-major. */
    static void write(Path file, byte[] data, long... shape) throws IOException {
        write(file, "|u1", data, shape);
    }

    private static void write(Path file, String type, byte[] data, long... shape) throws IOException {
        String name = "." + file.getFileName() + "." + ProcessHandle.current().pid() + ".tmp";
        Path temporary = file.toAbsolutePath().resolveSibling(name);
        try {
            try (FileChannel channel =
                            FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                    OutputStream out = Channels.newOutputStream(channel)) {
                out.write(header(type, shape));
                out.write(data);
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    static byte[] header(String type, long... shape) {
        String sizes = LongStream.of(shape).mapToObj(Long::toString).collect(Collectors.joining(", "));
        String text = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + sizes
                + (shape.length == 1 ? ",)" : ")") + ", }";
        int length = Math.ceilDiv(PREAMBLE + text.length() + 1, ALIGNMENT) * ALIGNMENT - PREAMBLE;
        ByteBuffer header = ByteBuffer.allocate(PREAMBLE + length).order(ByteOrder.LITTLE_ENDIAN);
        header.put((byte) 0x93)
                .put("NUMPY".getBytes(StandardCharsets.US_ASCII))
                .put((byte) 1)
                .put((byte) 0);
        header.putShort((short) length);
        header.put(text.getBytes(StandardCharsets.US_ASCII));
        while (header.remaining() > 1) {
            header.put((byte) ' ');
        }
        return header.put((byte) '\n').array();
    }
}
