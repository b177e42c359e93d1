package jclip.checkpoint;

import java.util.Arrays;
import java.util.Optional;

/** Element types of stored tensors, under the names that safetensors gives them; all are little endian. */
public enum DType {
    /** IEEE double precision. */
    F64(8),
    /** IEEE single precision. */
    F32(4),
    /** IEEE half precision. */
    F16(2),
    /** The upper half of a single precision number. */
    BF16(2),
    /** Signed 64-bit integer. */
    I64(8),
    /** Signed 32-bit integer. */
    I32(4),
    /** Signed 16-bit integer. */
    I16(2),
    /** Signed 8-bit integer. */
    I8(1),
    /** Unsigned 64-bit integer. */
    U64(8),
    /** Unsigned 32-bit integer. */
    U32(4),
    /** Unsigned 16-bit integer. */
    U16(2),
    /** Unsigned 8-bit integer. */
    U8(1),
    /** One byte, 0 or 1. */
    BOOL(1),
    /** 8-bit float with 4 exponent bits. */
    F8_E4M3(1),
    /** 8-bit float with 5 exponent bits. */
    F8_E5M2(1),
    /** Two single precision numbers. */
    C64(8);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Returns the size of one element in bytes. */
    public int bytes() {
        return bytes;
    }

    /** Returns whether {@link Checkpoint#read} can turn the type into fp32: F64, F32, F16 and BF16. */
    public boolean isWeight() {
        return this == F64 || this == F32 || this == F16 || this == BF16;
    }

    static Optional<DType> named(String name) {
        return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
    }
}
