package jclip.graph;

import java.util.Locale;

/** Element types of the contract. */
public enum DType {
    F32(4),
    I32(4),
    I64(8),
    F64(8),
    U8(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
