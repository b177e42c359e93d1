package jclip.train;

/**
 * How much of an exponential moving average of the parameters stays at an update: {@code average = d * average + (1 - d)
 * * parameters}. With warm-up the t-th update, from 1, uses {@code min(decay, (1 + t) / (10 + t))}, so that the first
 * averages forget the start.
 *
 * @param decay in [0, 1]
 * @param warmup whether the decay rises towards its value
 */
public record AverageDecay(double decay, boolean warmup) {
    /** Checks the decay. */
    public AverageDecay {
        if (!(decay >= 0 && decay <= 1)) {
            throw new IllegalArgumentException("average decay is " + decay + "; wanted in [0, 1]");
        }
    }

    /**
     * The decay of an update.
     *
     * @param update counted from 1
     */
    public double at(long update) {
        if (update < 1) {
            throw new IllegalArgumentException("update " + update + "; updates count from 1");
        }
        return warmup ? Math.min(decay, (1.0 + update) / (10.0 + update)) : decay;
    }
}
