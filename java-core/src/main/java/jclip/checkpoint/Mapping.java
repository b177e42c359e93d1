package jclip.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Read-only memory maps of whole files. */
final class Mapping {
    private Mapping() {}

    static MemorySegment map(Path file, Arena arena) {
        if (Files.isDirectory(file)) {
            throw new CheckpointException(
                    CheckpointException.Reason.FILE_NOT_FOUND, file + ": is a folder, not a file");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            return size == 0 ? MemorySegment.NULL : channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
        } catch (NoSuchFileException e) {
            throw new CheckpointException(CheckpointException.Reason.FILE_NOT_FOUND, file + ": no such file", e);
        } catch (IOException e) {
            throw new CheckpointException(CheckpointException.Reason.INPUT_OUTPUT, file + ": cannot be read: " + e, e);
        }
    }

    /** What a file that is not of the wanted kind seems to be, as a clause for a message, or empty. */
    static String guess(MemorySegment bytes) {
        String start = ascii(bytes, 0, Math.min(bytes.byteSize(), 48));
        if (start.startsWith("version https://git-lfs")) {
            return ": it is a Git LFS pointer; fetch the file itself with 'git lfs pull'";
        }
        if (start.startsWith("PK")) {
            return ": it is a zip file, as PyTorch checkpoints are";
        }
        String trimmed = start.stripLeading();
        if (trimmed.startsWith("<")) {
            return ": it looks like HTML or XML, perhaps an error page saved in place of the file";
        }
        if (trimmed.startsWith("{")) {
            return ": it looks like JSON";
        }
        if (bytes.byteSize() > 262 && ascii(bytes, 257, 5).equals("ustar")) {
            return ": it is a tar file, the legacy format of PyTorch before 0.2; load and save it again with"
                    + " torch.save";
        }
        return "";
    }

    static String ascii(MemorySegment bytes, long offset, long length) {
        return new String(bytes.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
    }

    /** The segment's bytes as a stream. */
    static InputStream stream(MemorySegment bytes) {
        return new InputStream() {
            private long position;

            @Override
            public int read() {
                return position < bytes.byteSize() ? bytes.get(ValueLayout.JAVA_BYTE, position++) & 0xff : -1;
            }

            @Override
            public int read(byte[] target, int offset, int length) {
                if (length == 0) {
                    return 0;
                }
                int count = (int) Math.min(length, bytes.byteSize() - position);
                if (count == 0) {
                    return -1;
                }
                MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, position, target, offset, count);
                position += count;
                return count;
            }
        };
    }
}
