package jclip.tools.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A linear axis whose ticks are 1, 2 or 5 times a power of ten apart. */
record Axis(double low, double high, double step) {
    /** Over all finite values of some lists. */
    static Axis over(List<double[]> lists, int ticks) {
        double[] all = lists.stream()
                .flatMapToDouble(Arrays::stream)
                .filter(Double::isFinite)
                .toArray();
        double low = Arrays.stream(all).min().orElse(0);
        double high = Arrays.stream(all).max().orElse(1);
        if (high - low <= Math.ulp(Math.max(Math.abs(low), Math.abs(high))) * 16) {
            double room = low == 0 ? 1 : Math.abs(low) / 10; // one value only: it lies in the middle
            low -= room;
            high += room;
        }
        double step = step((high - low) / ticks);
        return new Axis(Math.floor(low / step) * step, Math.ceil(high / step) * step, step);
    }

    /** The least of 1, 2, 5 times a power of ten that is no less than this. */
    static double step(double least) {
        double power = Math.pow(10, Math.floor(Math.log10(least)));
        for (double factor : new double[] {1, 2, 5}) {
            if (factor * power >= least * (1 - 1e-9)) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    double share(double value) {
        return (value - low) / (high - low);
    }

    List<Double> ticks() {
        List<Double> ticks = new ArrayList<>();
        long count = Math.round((high - low) / step);
        for (long i = 0; i <= count; i++) {
            ticks.add(low + i * step);
        }
        return ticks;
    }

    /** With as many decimals as tell two ticks apart. */
    String label(double tick) {
        double value = Math.abs(tick) < step / 2 ? 0 : tick;
        double largest = Math.max(Math.abs(low), Math.abs(high));
        if (largest >= 1e6 || largest < 1e-3) {
            return Html.format("%.3g", value).replaceAll("\\.?0+(e|$)", "$1");
        }
        int decimals = Math.max(0, (int) -Math.floor(Math.log10(step) + 1e-9));
        return Html.format("%." + decimals + "f", value);
    }
}
