package jclip.eval;

import org.jspecify.annotations.Nullable;

/**
 * Labelled samples a class with which a few-shot classifier is as good as zero-shot (the CLIP paper, figure 7).
 *
 * @param status how the number was found
 * @param shots the number, or null if it is not reached
 */
public record BreakEven(Status status, @Nullable Double shots) {
    /** How a break-even point was found. */
    public enum Status {
        /** Log-linear between two measured points. */
        INTERPOLATED,
        /** The first measured point is as good already. */
        AT_OR_BELOW_FIRST,
        /** No measured point is as good. */
        NOT_REACHED
    }

    /**
     * Finds the first point at least as accurate.
     *
     * @param shots rising, positive
     * @param accuracies with so many shots
     */
    public static BreakEven of(double[] shots, double[] accuracies, double zeroShot) {
        if (shots.length != accuracies.length) {
            throw new IllegalArgumentException(
                    shots.length + " numbers of shots and " + accuracies.length + " accuracies");
        }
        for (int i = 0; i < shots.length; i++) {
            if (!(shots[i] > 0) || (i > 0 && shots[i] <= shots[i - 1])) {
                throw new IllegalArgumentException("shots must be positive and rise; found " + shots[i] + " at " + i);
            }
            if (accuracies[i] >= zeroShot) {
                return i == 0
                        ? new BreakEven(Status.AT_OR_BELOW_FIRST, shots[0])
                        : new BreakEven(Status.INTERPOLATED, between(shots, accuracies, zeroShot, i));
            }
        }
        return new BreakEven(Status.NOT_REACHED, null);
    }

    private static double between(double[] shots, double[] accuracies, double zeroShot, int i) {
        double part = (zeroShot - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1]);
        return Math.exp(Math.log(shots[i - 1]) + part * (Math.log(shots[i]) - Math.log(shots[i - 1])));
    }
}
