package jclip.train;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** What writing a file safely asks of a file system; tests put one that fails in its place. */
interface Disk {
    /** The file system of this machine. */
    Disk REAL = new Disk() {};

    /** A new file, whatever was there before. */
    default Output create(Path file) throws IOException {
        FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        return new Output() {
            @Override
            public int write(ByteBuffer bytes) throws IOException {
                return channel.write(bytes);
            }

            @Override
            public void force() throws IOException {
                channel.force(true);
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }

    /** Takes the place of the target in one step. */
    default void rename(Path file, Path target) throws IOException {
        Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Makes a rename in a folder durable. */
    default void sync(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Takes a file away, if it is there. */
    default void delete(Path file) throws IOException {
        Files.deleteIfExists(file);
    }

    /** A file being written. */
    interface Output extends AutoCloseable {
        /** Writes some of the bytes and says how many. */
        int write(ByteBuffer bytes) throws IOException;

        /** Returns when all is on the device. */
        void force() throws IOException;

        @Override
        void close() throws IOException;
    }
}
