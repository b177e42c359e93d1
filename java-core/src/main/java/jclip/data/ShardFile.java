package jclip.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a tar archive, read by their offset. A packed one is unpacked into a temporary file that has no name any
 * more once it is open, so that nothing is left behind whatever happens. Safe for many threads.
 */
final class ShardFile implements AutoCloseable {
    private static final int BUFFER = 1 << 16;

    private final Path path;
    private final long size;
    /** Whether the archive ended before its packing said so. */
    private final boolean cut;

    private final boolean unpacked;
    private volatile @Nullable FileChannel channel;
    private volatile boolean closed;
    /** Nothing is held open: each read opens the file for itself. */
    private volatile boolean resting;

    private ShardFile(Path path, FileChannel channel, boolean unpacked, boolean cut) throws IOException {
        this.path = path;
        this.channel = channel;
        this.unpacked = unpacked;
        this.cut = cut;
        size = channel.size();
    }

    /**
     * Opens an archive.
     *
     * @param most bytes that are unpacked at most
     */
    static ShardFile open(Path path, long most) {
        try {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            if (!isPacked(channel)) {
                return new ShardFile(path, channel, false, false);
            }
            try (channel) {
                return unpack(path, channel, most);
            }
        } catch (IOException e) {
            throw new DataException(path + ": cannot be read: " + e, e);
        }
    }

    private static boolean isPacked(FileChannel channel) throws IOException {
        ByteBuffer magic = ByteBuffer.allocate(2);
        return channel.read(magic, 0) == 2 && magic.get(0) == 0x1F && magic.get(1) == (byte) 0x8B;
    }

    private static ShardFile unpack(Path path, FileChannel packed, long most) throws IOException {
        Path temporary = Files.createTempFile("jclip-shard-", ".tar");
        FileChannel channel = null;
        try {
            channel = FileChannel.open(temporary, StandardOpenOption.READ, StandardOpenOption.WRITE);
            Files.delete(temporary);
            boolean cut = copy(path, packed, channel, most);
            return new ShardFile(path, channel, true, cut);
        } catch (IOException | RuntimeException | Error e) {
            if (channel != null) {
                channel.close();
            }
            Files.deleteIfExists(temporary);
            throw e;
        }
    }

    /** True where the packed bytes end early or are damaged: what came before is still used. */
    private static boolean copy(Path path, FileChannel packed, FileChannel to, long most) throws IOException {
        byte[] buffer = new byte[BUFFER];
        long done = 0;
        OutputStream out = Channels.newOutputStream(to);
        try (InputStream in = new GZIPInputStream(Channels.newInputStream(packed), BUFFER)) {
            int count = read(in, buffer);
            while (count > 0) {
                done += count;
                if (done > most) {
                    throw new DataException(path + ": unpacks to more than " + most + " bytes; unpack it yourself if"
                            + " that is meant");
                }
                out.write(buffer, 0, count);
                count = read(in, buffer);
            }
            return count < -1;
        } catch (EOFException | ZipException e) {
            return true;
        }
    }

    /** As {@link InputStream#read(byte[])}, with -2 where the packed bytes are damaged. */
    private static int read(InputStream in, byte[] buffer) throws IOException {
        try {
            return in.read(buffer);
        } catch (EOFException | ZipException e) {
            return -2;
        }
    }

    Path path() {
        return path;
    }

    long size() {
        return size;
    }

    boolean cut() {
        return cut;
    }

    /** Exactly these bytes. */
    byte[] read(long offset, int length) {
        if (offset < 0 || length < 0 || offset > size - length) {
            throw new IllegalArgumentException(length + " bytes from " + offset + " leave " + path);
        }
        byte[] bytes = new byte[length];
        try {
            if (fill(bytes, offset) < length) {
                throw new DataException(path + ": has become shorter since it was opened");
            }
        } catch (IOException e) {
            throw new DataException(path + ": cannot be read: " + e, e);
        }
        return bytes;
    }

    private int fill(byte[] bytes, long offset) throws IOException {
        if (resting) {
            try (FileChannel own = FileChannel.open(path, StandardOpenOption.READ)) {
                return fill(own, bytes, offset);
            }
        }
        try {
            return fill(open(), bytes, offset);
        } catch (ClosedChannelException e) {
            // An interrupted reader closes the channel for all others.
            return fill(open(), bytes, offset);
        }
    }

    private static int fill(FileChannel from, byte[] bytes, long offset) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining() && from.read(buffer, offset + buffer.position()) > 0) {
            continue;
        }
        return buffer.position();
    }

    private FileChannel open() throws IOException {
        FileChannel now = channel;
        if (now != null && now.isOpen()) {
            return now;
        }
        synchronized (this) {
            now = channel;
            if (closed) {
                throw new IllegalStateException(path + ": closed");
            }
            if (now == null || !now.isOpen()) {
                if (unpacked) {
                    throw new DataException(
                            path + ": its unpacked copy was closed by an interrupt; open the set again");
                }
                now = FileChannel.open(path, StandardOpenOption.READ);
                channel = now;
            }
            return now;
        }
    }

    /** A stream over the archive that can be given a limit. */
    Window stream() {
        return new Window(this);
    }

    /** Lets the file go, where it has a name: from now on it is opened for each read. */
    void rest() {
        if (!unpacked) {
            resting = true;
            shut();
        }
    }

    private synchronized void shut() {
        FileChannel now = channel;
        channel = null;
        try {
            if (now != null) {
                now.close();
            }
        } catch (IOException e) {
            throw new DataException(path + ": cannot be closed: " + e, e);
        }
    }

    @Override
    public void close() {
        closed = true;
        shut();
    }

    /**
     * The archive as a stream that knows where it is and refuses to give more than it is allowed: a tar header that
     * claims to be gigabytes long is not read.
     */
    static final class Window extends InputStream {
        private final ShardFile file;
        private byte[] buffer = new byte[0];
        private long bufferAt;
        private long at;
        private long allowed;

        private Window(ShardFile file) {
            this.file = file;
        }

        long at() {
            return at;
        }

        /** Reading may go on for so many bytes; skipping is free. */
        void allow(long bytes) {
            allowed = bytes;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 255;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (at >= file.size) {
                return -1;
            }
            if (at < bufferAt || at >= bufferAt + buffer.length) {
                buffer = file.read(at, (int) Math.min(BUFFER, file.size - at));
                bufferAt = at;
            }
            int from = (int) (at - bufferAt);
            int count = Math.min(length, buffer.length - from);
            allowed -= count;
            if (allowed < 0) {
                throw new IOException("a header of more bytes than a name or an attribute needs");
            }
            System.arraycopy(buffer, from, to, offset, count);
            at += count;
            return count;
        }

        @Override
        public long skip(long bytes) {
            long skipped = Math.clamp(bytes, 0, file.size - at);
            at += skipped;
            return skipped;
        }

        @Override
        public int available() {
            return (int) Math.min(file.size - at, Integer.MAX_VALUE);
        }
    }
}
