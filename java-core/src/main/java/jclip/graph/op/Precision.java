package jclip.graph.op;

/** How a product multiplies, and its number in {@code jclip.h}. */
public enum Precision {
    F32(0),
    /**
     * Operands rounded to bf16 (nearest even), summed in fp32; inputs and outputs stay fp32. Where the instruction set has no such products,
     * running them fails ({@code jc_bf16} says so).
     */
    BF16(1);

    private final long code;

    Precision(long code) {
        this.code = code;
    }

    public long code() {
        return code;
    }
}
