package jclip.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A tensor under its canonical name: lying in a file, or made by a formula. */
sealed interface Weight permits Weight.Stored, FormulaTensor {
    /** Canonical shape. */
    long[] shape();

    /** Type in which it is stored. */
    DType dtype();

    /** Writes the values as fp32, row-major. */
    void read(MemorySegment target);

    /** Row-major little-endian values of {@link #dtype}. */
    MemorySegment raw(SegmentAllocator allocator);

    /** Gives mapped pages back to the system; a later read loads them again. */
    void release();

    /** One or several stored tensors below each other. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Stored(long[] shape, List<StoredTensor> parts) implements Weight {
        @Override
        public DType dtype() {
            DType first = parts.getFirst().dtype();
            return parts.stream().allMatch(part -> part.dtype() == first) ? first : DType.F32;
        }

        @Override
        public void read(MemorySegment target) {
            long offset = 0;
            for (StoredTensor part : parts) {
                long elements = StoredTensor.elements(part.shape());
                try (Arena temporary = Arena.ofConfined()) {
                    FloatConversion.toFloat(part.dtype(), part.values(temporary), target.asSlice(offset), elements);
                }
                offset += elements * Float.BYTES;
            }
        }

        @Override
        public MemorySegment raw(SegmentAllocator allocator) {
            if (parts.size() == 1) {
                return parts.getFirst().values(allocator);
            }
            MemorySegment joined = allocator.allocate(StoredTensor.elements(shape) * dtype().bytes(), 64);
            if (parts.stream().anyMatch(part -> part.dtype() != dtype())) {
                read(joined);
                return joined;
            }
            long offset = 0;
            for (StoredTensor part : parts) {
                MemorySegment.copy(part.values(allocator), 0, joined, offset, part.bytes());
                offset += part.bytes();
            }
            return joined;
        }

        @Override
        public void release() {
            for (StoredTensor part : parts) {
                MemorySegment pages = part.storage();
                if (part.isContiguous()) {
                    pages = pages.asSlice(0, part.bytes());
                }
                if (pages.isMapped() && pages.byteSize() > 0) {
                    pages.unload();
                }
            }
        }
    }
}
