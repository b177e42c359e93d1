package jclip.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A tensor where it lies in a file: element (i, j, ...) is at byte {@code dtype.bytes() * (i * strides[0] + j *
 * strides[1] + ...)} of {@code storage}. Whoever makes one has checked that every element lies inside the storage.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record StoredTensor(DType dtype, long[] shape, long[] strides, MemorySegment storage) {

    static StoredTensor contiguous(DType dtype, long[] shape, MemorySegment data) {
        return new StoredTensor(dtype, shape, rowMajor(shape), data);
    }

    static long[] rowMajor(long[] shape) {
        long[] strides = new long[shape.length];
        long step = 1;
        for (int d = shape.length - 1; d >= 0; d--) {
            strides[d] = step;
            step *= Math.max(shape[d], 1);
        }
        return strides;
    }

    static long elements(long[] shape) {
        long n = 1;
        for (long size : shape) {
            n = size == 0 ? 0 : Math.multiplyExact(n, size);
        }
        return n;
    }

    long bytes() {
        return Math.multiplyExact(elements(shape), (long) dtype.bytes());
    }

    StoredTensor transposed() {
        if (shape.length != 2) {
            return this;
        }
        return new StoredTensor(dtype, new long[] {shape[1], shape[0]}, new long[] {strides[1], strides[0]}, storage);
    }

    /** Whether the elements lie in row-major order without gaps; strides of dimensions of size 1 do not matter. */
    boolean isContiguous() {
        long step = 1;
        for (int d = shape.length - 1; d >= 0; d--) {
            if (shape[d] != 1 && strides[d] != step) {
                return elements(shape) == 0;
            }
            step *= shape[d];
        }
        return true;
    }

    /** Row-major values: the storage itself where it is so already, else a copy. */
    MemorySegment values(SegmentAllocator allocator) {
        if (isContiguous()) {
            return storage.asSlice(0, bytes());
        }
        MemorySegment copy = allocator.allocate(bytes(), 64);
        gather(copy);
        return copy;
    }

    TensorView view(SegmentAllocator allocator) {
        return new TensorView(dtype, sizes(shape), values(allocator));
    }

    static List<Long> sizes(long[] shape) {
        List<Long> sizes = new ArrayList<>(shape.length);
        for (long size : shape) {
            sizes.add(size);
        }
        return sizes;
    }

    static String text(long[] shape) {
        return Arrays.toString(shape);
    }

    private void gather(MemorySegment target) {
        int last = shape.length - 1;
        long[] index = new long[last];
        long rows = elements(Arrays.copyOf(shape, last));
        long source = 0;
        for (long row = 0; row < rows; row++) {
            gatherRow(source, target, row * shape[last]);
            for (int d = last - 1; d >= 0; d--) {
                source += strides[d];
                if (++index[d] < shape[d]) {
                    break;
                }
                source -= strides[d] * shape[d];
                index[d] = 0;
            }
        }
    }

    private void gatherRow(long source, MemorySegment target, long position) {
        long step = strides[strides.length - 1];
        long n = shape[shape.length - 1];
        switch (dtype.bytes()) {
            case 8 -> {
                for (long i = 0; i < n; i++) {
                    target.setAtIndex(
                            JAVA_LONG_UNALIGNED,
                            position + i,
                            storage.getAtIndex(JAVA_LONG_UNALIGNED, source + i * step));
                }
            }
            case 4 -> {
                for (long i = 0; i < n; i++) {
                    target.setAtIndex(
                            JAVA_INT_UNALIGNED,
                            position + i,
                            storage.getAtIndex(JAVA_INT_UNALIGNED, source + i * step));
                }
            }
            case 2 -> {
                for (long i = 0; i < n; i++) {
                    target.setAtIndex(
                            JAVA_SHORT_UNALIGNED,
                            position + i,
                            storage.getAtIndex(JAVA_SHORT_UNALIGNED, source + i * step));
                }
            }
            default -> {
                for (long i = 0; i < n; i++) {
                    target.set(JAVA_BYTE, position + i, storage.get(JAVA_BYTE, source + i * step));
                }
            }
        }
    }
}
