package jclip.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Conversion between fp32 and the stored floating types, a block at a time through arrays, which vectorises. */
final class FloatConversion {
    private static final int BLOCK = 4096;
    private static final ValueLayout.OfShort SHORT = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE = JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private FloatConversion() {}

    /** Widens (F64: rounds) {@code n} values of {@code type} to fp32 in the machine's byte order. */
    static void toFloat(DType type, MemorySegment source, MemorySegment target, long n) {
        switch (type) {
            case F32 -> MemorySegment.copy(source, INT, 0, target, JAVA_INT_UNALIGNED, 0, n);
            case F16 -> shortsToFloat(source, target, n, false);
            case BF16 -> shortsToFloat(source, target, n, true);
            case F64 -> {
                for (long i = 0; i < n; i++) {
                    target.setAtIndex(JAVA_FLOAT_UNALIGNED, i, (float) source.getAtIndex(DOUBLE, i));
                }
            }
            default -> throw new IllegalArgumentException(type + " holds no weights; wanted F64, F32, F16 or BF16");
        }
    }

    private static void shortsToFloat(MemorySegment source, MemorySegment target, long n, boolean brain) {
        short[] half = new short[BLOCK];
        float[] full = new float[BLOCK];
        for (long start = 0; start < n; start += BLOCK) {
            int count = (int) Math.min(BLOCK, n - start);
            MemorySegment.copy(source, SHORT, 2 * start, half, 0, count);
            if (brain) {
                for (int i = 0; i < count; i++) {
                    full[i] = Float.intBitsToFloat(half[i] << 16);
                }
            } else {
                for (int i = 0; i < count; i++) {
                    full[i] = Float.float16ToFloat(half[i]);
                }
            }
            MemorySegment.copy(full, 0, target, JAVA_FLOAT_UNALIGNED, 4 * start, count);
        }
    }

    /**
     * Rounds {@code n} fp32 values to {@code type}, ties to even.
     *
     * @return the position of the first finite value that became infinite, or -1
     */
    static long fromFloat(DType type, MemorySegment source, MemorySegment target, long n) {
        if (type == DType.F32) {
            MemorySegment.copy(source, JAVA_INT_UNALIGNED, 0, target, INT, 0, n);
            return -1;
        }
        if (type != DType.F16 && type != DType.BF16) {
            throw new IllegalArgumentException("cannot store weights as " + type + "; wanted F32, F16 or BF16");
        }
        for (long i = 0; i < n; i++) {
            float value = source.getAtIndex(JAVA_FLOAT_UNALIGNED, i);
            short bits = type == DType.F16 ? Float.floatToFloat16(value) : toBrainFloat(value);
            float back = type == DType.F16 ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
            if (Float.isInfinite(back) && Float.isFinite(value)) {
                return i;
            }
            target.setAtIndex(SHORT, i, bits);
        }
        return -1;
    }

    /** Rounds to the nearest bf16, ties to even; NaN stays NaN. */
    static short toBrainFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }
}
