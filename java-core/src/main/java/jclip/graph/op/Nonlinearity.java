package jclip.graph.op;

/** Functions at the end of an operator, and their numbers in {@code jclip.h}. */
public enum Nonlinearity {
    IDENTITY(0),
    RELU(1),
    /** x sigmoid(1.702 x). */
    QUICK_GELU(2),
    /** x Phi(x), the exact form with erf. */
    GELU(3);

    private final long code;

    Nonlinearity(long code) {
        this.code = code;
    }

    public long code() {
        return code;
    }
}
