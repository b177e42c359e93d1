package jclip.train;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A log of JSON objects, one a line, each with the optimiser step it belongs to as {@code step}. Numbers that are not
 * finite are written as null. A line is handed to the system whole; {@link #sync()} makes it durable. Not for several
 * threads.
 */
public final class JsonLog implements AutoCloseable {
    private final Path file;
    private FileChannel channel;

    /**
     * Opens a log to append to it, or makes a new one. A last line without its end, as a killed run leaves it, is dropped.
     *
     * @throws UncheckedIOException if the file cannot be read or written
     */
    public JsonLog(Path file) {
        this.file = file;
        try {
            this.channel = open();
            cutTornLine();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * Appends an object.
     *
     * @param fields what the line says beside its step; a value may be a string, a number, a truth value, a list, a map
     * @throws UncheckedIOException if it cannot be written
     */
    public void write(long step, Map<String, ?> fields) {
        Map<String, @Nullable Object> line = new LinkedHashMap<>();
        line.put("step", step);
        line.putAll(fields);
        line.put("step", step);
        byte[] json = Json.compact(line);
        ByteBuffer bytes =
                ByteBuffer.allocate(json.length + 1).put(json).put((byte) '\n').flip();
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * Keeps the lines of a step and those before it, byte for byte, and drops all others: a resumed run writes them again.
     *
     * @throws UncheckedIOException if the file cannot be read or written; it is then as it was
     */
    public void truncateAfter(long step) {
        Path temporary = file.resolveSibling("." + file.getFileName() + ".tmp");
        try {
            channel.close();
            try (InputStream in = new BufferedInputStream(Files.newInputStream(file));
                    FileChannel kept = FileChannel.open(
                            temporary,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.TRUNCATE_EXISTING,
                            StandardOpenOption.WRITE);
                    OutputStream out = new BufferedOutputStream(Channels.newOutputStream(kept))) {
                keep(step, in, out);
                out.flush();
                kept.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
            Disk.REAL.sync(file.toAbsolutePath().resolveSibling(""));
            channel = open();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static void keep(long step, InputStream in, OutputStream out) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = in.read(); next >= 0; next = in.read()) {
            line.write(next);
            if (next == '\n') {
                byte[] bytes = line.toByteArray();
                if (belongs(bytes, step)) {
                    out.write(bytes);
                }
                line.reset();
            }
        }
    }

    private static boolean belongs(byte[] line, long step) {
        try {
            return Json.object(line, 0, line.length).get("step") instanceof Long number && number <= step;
        } catch (IOException unsound) {
            return false;
        }
    }

    /**
     * Returns when every line written is on the device.
     *
     * @throws UncheckedIOException if that fails
     */
    public void sync() {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private FileChannel open() throws IOException {
        FileChannel opened =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        opened.position(opened.size());
        return opened;
    }

    private void cutTornLine() throws IOException {
        ByteBuffer one = ByteBuffer.allocate(1);
        long end = channel.size();
        while (end > 0 && channel.read(one.clear(), end - 1) == 1 && one.get(0) != '\n') {
            end--;
        }
        channel.truncate(end).position(end);
    }

    private UncheckedIOException failed(IOException e) {
        return new UncheckedIOException(file + ": the log cannot be read or written", e);
    }
}
