package jclip.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes safetensors: header first, then tensor by tensor, so that one tensor at a time is in memory. */
final class SafetensorsWriter {
    private static final int CHUNK = 1 << 26;

    /** A tensor to be written and how to get its values. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Item(String name, DType dtype, long[] shape, Values values) {}

    /** Gives a tensor's contiguous little-endian values; what it allocates lives until they are written. */
    @FunctionalInterface
    interface Values {
        /** The values. */
        MemorySegment get(SegmentAllocator allocator);
    }

    private SafetensorsWriter() {}

    /** Writes beside the target, syncs, renames. */
    static void replace(Path file, List<Item> items, Map<String, String> metadata) {
        Path target = file.toAbsolutePath();
        Path folder = target.resolveSibling("");
        try {
            Path temporary = target.resolveSibling("." + target.getFileName() + ".tmp" + System.nanoTime());
            try {
                write(temporary, items, metadata);
                Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
                sync(folder);
            } finally {
                Files.deleteIfExists(temporary);
            }
        } catch (IOException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.INPUT_OUTPUT, file + ": cannot be written: " + e, e);
        }
    }

    /** Writes and syncs. */
    static void write(Path file, List<Item> items, Map<String, String> metadata) throws IOException {
        // the widest types first, so that every tensor is aligned to its own size
        List<Item> sorted = new ArrayList<>(items);
        sorted.sort(Comparator.comparingInt((Item item) -> item.dtype.bytes()).reversed());
        byte[] header = header(sorted, metadata);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
            writeFully(channel, start.putLong(header.length).put(header).flip());
            for (Item item : sorted) {
                try (Arena arena = Arena.ofConfined()) {
                    writeFully(channel, item.values.get(arena));
                }
            }
            channel.force(true);
        }
    }

    private static byte[] header(List<Item> items, Map<String, String> metadata) {
        Map<String, Object> header = new LinkedHashMap<>();
        if (!metadata.isEmpty()) {
            header.put("__metadata__", metadata);
        }
        long offset = 0;
        for (Item item : items) {
            long end = offset + StoredTensor.elements(item.shape) * item.dtype.bytes();
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("dtype", item.dtype.name());
            entry.put("shape", StoredTensor.sizes(item.shape));
            entry.put("data_offsets", List.of(offset, end));
            if (header.put(item.name, entry) != null) {
                throw new IllegalArgumentException("two tensors with the name '" + item.name + "'");
            }
            offset = end;
        }
        byte[] json = Json.compact(header);
        byte[] padded = java.util.Arrays.copyOf(json, (json.length + 7) / 8 * 8);
        java.util.Arrays.fill(padded, json.length, padded.length, (byte) ' ');
        return padded;
    }

    static void writeFully(FileChannel channel, MemorySegment bytes) throws IOException {
        for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
            writeFully(
                    channel,
                    bytes.asSlice(at, Math.min(CHUNK, bytes.byteSize() - at)).asByteBuffer());
        }
    }

    static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Makes a rename or a new entry of a folder durable. */
    static void sync(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
