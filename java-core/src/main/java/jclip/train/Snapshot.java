package jclip.train;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.zip.CRC32C;
import jclip.checkpoint.CheckpointException;
import org.jspecify.annotations.Nullable;

/**
 * One training state on disk. Immutable and safe for many threads; every read opens the file anew.
 *
 * <p>The file: 8 bytes {@code JCLIPSN1}; the length of the header, 8 bytes; CRC-32C of those 16 bytes and the header, 4
 * bytes; the header; the blocks one after another with nothing between or behind them. Numbers are little-endian. The
 * header is a JSON object with {@code step}, {@code score} (a number or null), {@code facts} (an object) and
 * {@code blocks}, a list of {@code {"name", "bytes", "crc32c"}}. So every byte of the file is covered by a checksum.
 */
public final class Snapshot {
    static final long MAGIC = ByteBuffer.wrap("JCLIPSN1".getBytes(StandardCharsets.US_ASCII))
            .order(ByteOrder.LITTLE_ENDIAN)
            .getLong();
    static final int PREFIX = 20;
    /** Bytes moved and summed at a time: they stay in the cache between the two. */
    static final int CHUNK = 1 << 20;

    private static final int LARGEST_HEADER = 1 << 26;

    private final Path file;
    private final long step;
    private final @Nullable Double score;
    private final Map<String, Object> facts;
    private final SequencedMap<String, Block> blocks;

    private record Block(long offset, long bytes, int crc32c) {}

    private Snapshot(
            Path file,
            long step,
            @Nullable Double score,
            Map<String, Object> facts,
            SequencedMap<String, Block> blocks) {
        this.file = file;
        this.step = step;
        this.score = score;
        this.facts = facts;
        this.blocks = blocks;
    }

    /** The file. */
    public Path file() {
        return file;
    }

    /** The optimiser steps that led to this state. */
    public long step() {
        return step;
    }

    /** What it was judged by, if it was. */
    public @Nullable Double score() {
        return score;
    }

    /** What was saved beside the blocks; integers come back as {@code Long}, other numbers as {@code Double}. */
    public Map<String, Object> facts() {
        return facts;
    }

    /** The blocks' names in the order in which they were saved. */
    public List<String> names() {
        return List.copyOf(blocks.keySet());
    }

    /**
     * A block's size in bytes.
     *
     * @throws IllegalArgumentException if there is no such block
     */
    public long bytes(String name) {
        return block(name).bytes;
    }

    /**
     * Reads blocks into the caller's memory and checks each against its checksum.
     *
     * @param targets some or all of the blocks, each native memory or a byte array of exactly its block's size
     * @throws CheckpointException if the file has changed since it was opened; targets are then undefined
     * @throws IllegalArgumentException if a name or a size differs
     */
    public void read(Map<String, MemorySegment> targets) {
        targets.forEach((name, target) -> {
            if (bytes(name) != target.byteSize()) {
                throw new IllegalArgumentException(file + ": block '" + name + "' has " + bytes(name)
                        + " bytes, the memory for it " + target.byteSize());
            }
        });
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            for (Map.Entry<String, MemorySegment> entry : targets.entrySet()) {
                Block block = block(entry.getKey());
                CRC32C sum = new CRC32C();
                for (long at = 0; at < block.bytes; at += CHUNK) {
                    ByteBuffer part = part(entry.getValue(), at);
                    readFully(channel, part, block.offset + at);
                    sum.update(part.flip());
                }
                check(entry.getKey(), block, sum);
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** Reads the whole file against its checksums. */
    void verify() {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                Arena arena = Arena.ofConfined()) {
            ByteBuffer buffer = arena.allocate(CHUNK).asByteBuffer();
            for (Map.Entry<String, Block> entry : blocks.entrySet()) {
                Block block = entry.getValue();
                CRC32C sum = new CRC32C();
                for (long at = 0; at < block.bytes; at += CHUNK) {
                    buffer.clear().limit((int) Math.min(CHUNK, block.bytes - at));
                    readFully(channel, buffer, block.offset + at);
                    sum.update(buffer.flip());
                }
                check(entry.getKey(), block, sum);
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private void check(String name, Block block, CRC32C sum) {
        if ((int) sum.getValue() != block.crc32c) {
            throw corrupt(file, "block '" + name + "' does not match its checksum");
        }
    }

    private CheckpointException unreadable(IOException e) {
        return new CheckpointException(
                CheckpointException.Reason.INPUT_OUTPUT, file + ": snapshot cannot be read: " + e, e);
    }

    private Block block(String name) {
        Block block = blocks.get(name);
        if (block == null) {
            throw new IllegalArgumentException(file + ": has no block '" + name + "'; it has " + blocks.keySet());
        }
        return block;
    }

    /** Opens a file and checks its header and its length, not yet its blocks. */
    static Snapshot open(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return open(file, channel);
        } catch (IOException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.INPUT_OUTPUT, file + ": snapshot cannot be read: " + e, e);
        }
    }

    private static Snapshot open(Path file, FileChannel channel) throws IOException {
        long size = channel.size();
        if (size < PREFIX) {
            throw corrupt(file, "has " + size + " bytes, less than a snapshot's first " + PREFIX);
        }
        ByteBuffer prefix = ByteBuffer.allocate(PREFIX).order(ByteOrder.LITTLE_ENDIAN);
        readFully(channel, prefix, 0);
        prefix.flip();
        long length = prefix.getLong(8);
        if (prefix.getLong(0) != MAGIC) {
            throw corrupt(file, "does not begin as a snapshot");
        }
        if (length < 2 || length > Math.min(size - PREFIX, LARGEST_HEADER)) {
            throw corrupt(file, "says that its header has " + length + " bytes; the file has " + size);
        }
        ByteBuffer header = ByteBuffer.allocate((int) length);
        readFully(channel, header, PREFIX);
        if (headerSum(length, header.array()) != prefix.getInt(16)) {
            throw corrupt(file, "the header does not match its checksum");
        }
        Snapshot snapshot = of(file, PREFIX + length, header.array());
        Block last =
                snapshot.blocks.isEmpty() ? null : snapshot.blocks.lastEntry().getValue();
        long end = last == null ? PREFIX + length : last.offset + last.bytes;
        if (end != size) {
            throw corrupt(file, "has " + size + " bytes; by its header it should have " + end);
        }
        return snapshot;
    }

    private static Snapshot of(Path file, long start, byte[] header) {
        try {
            Map<String, @Nullable Object> fields = Json.object(header, 0, header.length);
            SequencedMap<String, Block> blocks = new LinkedHashMap<>();
            long offset = start;
            for (Object item : as(List.class, fields.get("blocks"))) {
                Map<?, ?> block = as(Map.class, item);
                long bytes = as(Long.class, block.get("bytes"));
                int crc = (int) (long) as(Long.class, block.get("crc32c"));
                if (bytes < 0
                        || blocks.put(as(String.class, block.get("name")), new Block(offset, bytes, crc)) != null) {
                    throw new IllegalArgumentException("a block has a negative size or a name twice");
                }
                offset = Math.addExact(offset, bytes);
            }
            Object score = fields.get("score");
            Map<String, Object> facts = new LinkedHashMap<>();
            for (Map.Entry<?, ?> fact : ((Map<?, ?>) as(Map.class, fields.get("facts"))).entrySet()) {
                facts.put((String) fact.getKey(), fact.getValue());
            }
            return new Snapshot(
                    file,
                    as(Long.class, fields.get("step")),
                    score == null ? null : as(Number.class, score).doubleValue(),
                    Collections.unmodifiableMap(facts),
                    blocks);
        } catch (IOException | IllegalArgumentException | ArithmeticException e) {
            throw corrupt(file, "the header is none of a snapshot: " + e.getMessage());
        }
    }

    private static <T> T as(Class<T> type, @Nullable Object value) {
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException("found " + value + "; wanted a " + type.getSimpleName());
        }
        return type.cast(value);
    }

    static int headerSum(long length, byte[] header) {
        CRC32C sum = new CRC32C();
        sum.update(ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(MAGIC)
                .putLong(length)
                .flip());
        sum.update(header);
        return (int) sum.getValue();
    }

    /** At most a chunk of a segment from a place on, where it lies. */
    static ByteBuffer part(MemorySegment bytes, long at) {
        return bytes.asSlice(at, Math.min(CHUNK, bytes.byteSize() - at)).asByteBuffer();
    }

    private static void readFully(FileChannel channel, ByteBuffer target, long at) throws IOException {
        long position = at;
        while (target.hasRemaining()) {
            int count = channel.read(target, position);
            if (count < 0) {
                throw new IOException("the file ends at byte " + position);
            }
            position += count;
        }
    }

    private static CheckpointException corrupt(Path file, String what) {
        return new CheckpointException(CheckpointException.Reason.CORRUPT_FILE, file + ": damaged snapshot: " + what);
    }
}
