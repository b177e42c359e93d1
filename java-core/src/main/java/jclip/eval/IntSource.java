package jclip.eval;

/** A stream of uniformly distributed 32-bit numbers. */
@FunctionalInterface
public interface IntSource {
    /** The next 32 bits. */
    int next();

    /** A number from 0 to {@code bound - 1}; its bias of at most bound / 2^32 is far below what resampling shows. */
    default int below(int bound) {
        return (int) ((Integer.toUnsignedLong(next()) * bound) >>> Integer.SIZE);
    }
}
