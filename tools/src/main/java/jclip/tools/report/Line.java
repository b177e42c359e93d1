package jclip.tools.report;

import java.util.Arrays;

/** Points in the order of x, joined to a line. Immutable. */
public final class Line {
    private final String name;
    private final double[] x;
    private final double[] y;
    private final boolean dashed;

    /** A line. */
    public Line(String name, double[] x, double[] y, boolean dashed) {
        if (x.length != y.length) {
            throw new IllegalArgumentException("line '" + name + "' has " + x.length + " x and " + y.length + " y");
        }
        this.name = name;
        this.x = x.clone();
        this.y = y.clone();
        this.dashed = dashed;
    }

    String name() {
        return name;
    }

    boolean dashed() {
        return dashed;
    }

    int size() {
        return x.length;
    }

    double x(int i) {
        return x[i];
    }

    double y(int i) {
        return y[i];
    }

    double[] x() {
        return x.clone();
    }

    double[] y() {
        return y.clone();
    }

    /**
     * A line of at most four points a column that looks the same: of each column's points the first, the lowest, the
     * highest and the last, in their order. So no spike is lost.
     */
    Line thinned(int columns) {
        if (x.length <= 4 * columns) {
            return this;
        }
        int[] kept = new int[4 * columns];
        int count = 0;
        for (int column = 0; column < columns; column++) {
            int from = (int) ((long) x.length * column / columns);
            int to = (int) ((long) x.length * (column + 1) / columns);
            int low = from;
            int high = from;
            for (int i = from; i < to; i++) {
                low = y[i] < y[low] || Double.isNaN(y[low]) ? i : low;
                high = y[i] > y[high] || Double.isNaN(y[high]) ? i : high;
            }
            kept[count++] = from;
            kept[count++] = low;
            kept[count++] = high;
            kept[count++] = to - 1;
        }
        int[] order = Arrays.stream(kept).sorted().distinct().toArray();
        return new Line(
                name,
                Arrays.stream(order).mapToDouble(i -> x[i]).toArray(),
                Arrays.stream(order).mapToDouble(i -> y[i]).toArray(),
                dashed);
    }
}
