package jclip.image;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import jclip.backend.NativeMemory;

/**
 * Not safe for several threads: native memory that one thread uses again from picture to picture, because fresh pages
 * cost more than resampling what is in them. It grows to what the largest picture needs and keeps that until closed.
 */
public final class Scratch implements AutoCloseable {
    private final Map<Use, NativeMemory> blocks = new EnumMap<>(Use.class);

    /** Nothing is reserved yet. */
    public Scratch() {}

    /** What a block is for; a block is valid until the next request for the same use. */
    enum Use {
        FILE,
        PIXELS,
        JOB,
        WORKSPACE
    }

    /**
     * At least so many bytes, aligned to 64.
     *
     * @throws OutOfMemoryError if there are not so many
     */
    MemorySegment take(Use use, long bytes) {
        NativeMemory block = blocks.get(use);
        if (block == null || block.segment().byteSize() < bytes) {
            if (block != null) {
                block.close();
                blocks.remove(use);
            }
            block = NativeMemory.allocate(bytes + bytes / 8);
            blocks.put(use, block);
        }
        return block.segment();
    }

    @Override
    public void close() {
        blocks.values().forEach(NativeMemory::close);
        blocks.clear();
    }
}
