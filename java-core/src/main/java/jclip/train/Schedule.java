package jclip.train;

/**
 * The learning rate at every optimiser step, as in open_clip's {@code scheduler.py}. Steps count from 0 to
 * {@code steps - 1}. While {@code step < warmup} every kind gives {@code base * (step + 1) / warmup}. Immutable; safe
 * for many threads.
 */
public sealed interface Schedule {
    /** The learning rate of a step. */
    double at(long step);

    /**
     * After the warm-up half a cosine from {@code base} towards 0, which would be reached at {@code steps}.
     *
     * @param base the highest rate
     * @param warmup steps of linear rise
     * @param steps of the whole run, warm-up included
     */
    record Cosine(double base, long warmup, long steps) implements Schedule {
        /** Checks the numbers. */
        public Cosine {
            check(base, warmup, steps);
        }

        @Override
        public double at(long step) {
            if (step < warmup) {
                return rise(base, warmup, step);
            }
            return base * (1 + Math.cos(Math.PI * (step - warmup) / (steps - warmup))) / 2;
        }
    }

    /**
     * After the warm-up always {@code base}.
     *
     * @param base the rate
     * @param warmup steps of linear rise
     */
    record Constant(double base, long warmup) implements Schedule {
        /** Checks the numbers. */
        public Constant {
            check(base, warmup, Long.MAX_VALUE);
        }

        @Override
        public double at(long step) {
            return step < warmup ? rise(base, warmup, step) : base;
        }
    }

    /**
     * {@code base} until {@code steps - cooldown}; then, e steps later, {@code (1 - e / cooldown)^power * (base - end) +
     * end}. Where warm-up and cooldown overlap the warm-up wins.
     *
     * @param base the highest rate
     * @param warmup steps of linear rise
     * @param steps of the whole run
     * @param cooldown steps of the fall
     * @param power 1 falls along a line
     * @param end the rate that would be reached at {@code steps}
     */
    record ConstantCooldown(double base, long warmup, long steps, long cooldown, double power, double end)
            implements Schedule {
        /** Checks the numbers. */
        public ConstantCooldown {
            check(base, warmup, steps);
            require(cooldown >= 0, "cooldown", cooldown, ">= 0");
            require(power > 0 && Double.isFinite(power), "cooldown power", power, "> 0");
            require(end >= 0 && Double.isFinite(end), "cooldown end rate", end, ">= 0");
        }

        @Override
        public double at(long step) {
            if (step < warmup) {
                return rise(base, warmup, step);
            }
            long past = step - (steps - cooldown);
            return past < 0 ? base : Math.pow(1 - (double) past / cooldown, power) * (base - end) + end;
        }
    }

    private static double rise(double base, long warmup, long step) {
        return base * (step + 1) / warmup;
    }

    private static void check(double base, long warmup, long steps) {
        require(base >= 0 && Double.isFinite(base), "learning rate", base, ">= 0");
        require(warmup >= 0, "warm-up", warmup, ">= 0");
        require(steps >= 1, "steps", steps, ">= 1");
    }

    private static void require(boolean holds, String what, Number found, String wanted) {
        if (!holds) {
            throw new IllegalArgumentException(what + " is " + found + "; wanted " + wanted);
        }
    }
}
