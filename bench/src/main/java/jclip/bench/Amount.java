package jclip.bench;

/**
 * What a run computes and moves at least.
 *
 * @param flops floating-point operations, a multiply-add counted as two; 0 where bytes are what counts
 * @param bytes that must be read and written at least once
 */
record Amount(double flops, double bytes) {
    /** Whether the ceiling is a copy of as many bytes, and not the multiply-adds. */
    boolean isCopy() {
        return flops == 0;
    }
}
