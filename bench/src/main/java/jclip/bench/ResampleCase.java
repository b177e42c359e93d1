package jclip.bench;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.IntStream;
import jclip.backend.Context;

/**
 * A square 8-bit RGB picture resampled to a normalised square tensor, by windows as wide as the antialiased bicubic's. Weights are equal:
 * their values do not matter to time.
 */
record ResampleCase(int from, int to) implements Case {
    /** Half the support of the cubic. */
    private static final double SUPPORT = 2;

    static ResampleCase of(Line line) {
        return new ResampleCase((int) line.get("from"), (int) line.get("to"));
    }

    @Override
    public Amount amount() {
        return new Amount(0, 3.0 * from * from + 4.0 * 3 * to * to);
    }

    private int taps() {
        return Math.min(from, 2 * (int) Math.ceil(SUPPORT * Math.max(1, (double) from / to)) + 1);
    }

    @Override
    public Work open(Context context) {
        Work work = new Work(context, "resample");
        int[] first = IntStream.range(0, to)
                .map(i -> Math.clamp((long) from * i / to - taps() / 2, 0, from - taps()))
                .toArray();
        int[] size = new int[to];
        Arrays.fill(size, taps());
        int[] weights = new int[to * taps()];
        Arrays.fill(weights, (1 << 22) / taps());
        for (String axis : new String[] {"row", "column"}) {
            work.set(axis + "_first", work.ints(first)).set(axis + "_size", work.ints(size));
            work.set(axis + "_weights", work.ints(weights)).set(axis + "_taps", taps());
        }
        MemorySegment pixels = work.floats((3L * from * from + 19) / 4);
        work.set("x", pixels).set("x_rows", from).set("x_columns", from).set("x_row", 3L * from);
        work.set("rows", to).set("columns", to).set("channels", 3).set("table", work.floats(3 * 256));
        work.set("tensor", work.bytes(12L * to * to)).set("tensor_row", to).set("tensor_channel", (long) to * to);
        return work.withWorkspace();
    }
}
