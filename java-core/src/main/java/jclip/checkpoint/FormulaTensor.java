package jclip.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.stream.LongStream;

/** A tensor whose element i is {@code offset + v(hash, i) * scale}, see {@link Formula}. */
@SuppressWarnings("ArrayRecordComponent") // never compared
record FormulaTensor(long[] shape, long hash, float offset, float scale) implements Weight {
    private static final int BLOCK = 1 << 14;

    @Override
    public DType dtype() {
        return DType.F32;
    }

    @Override
    public void read(MemorySegment target) {
        long elements = StoredTensor.elements(shape);
        long blocks = (elements + BLOCK - 1) / BLOCK;
        // a confined target can only be filled by its own thread
        boolean shared = target.isAccessibleBy(new Thread());
        LongStream range = LongStream.range(0, blocks);
        (shared ? range.parallel() : range).forEach(block -> {
            long begin = block * BLOCK;
            float[] values = new float[(int) Math.min(BLOCK, elements - begin)];
            Formula.fill(values, hash, begin, offset, scale);
            MemorySegment.copy(values, 0, target, JAVA_FLOAT_UNALIGNED, begin * Float.BYTES, values.length);
        });
    }

    @Override
    public MemorySegment raw(SegmentAllocator allocator) {
        MemorySegment values = allocator.allocate(StoredTensor.elements(shape) * Float.BYTES, 64);
        read(values);
        return values;
    }

    @Override
    public void release() {
        // nothing is kept
    }
}
