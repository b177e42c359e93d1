package jclip.image;

import java.util.Arrays;

/**
 * For each surviving output position of one axis: the first source position of its window, how many, and their weights
 * (row {@code i} of a table {@code taps} wide, zero behind the window's end). Doubles sum to 1; the integers are these
 * times 2^22, rounded half away from zero.
 */
record Windows(int[] first, int[] size, int taps, double[] weights, int[] fixed) {
    static final int PRECISION = 22;

    static Windows of(Frame frame, Interpolation filter) {
        return frame.resizes() ? weighted(frame, filter) : copied(frame);
    }

    /** Every surviving position as it is. */
    private static Windows copied(Frame frame) {
        int count = frame.count();
        int[] first = new int[count];
        int[] size = new int[count];
        double[] weights = new double[count];
        int[] fixed = new int[count];
        Arrays.setAll(first, i -> frame.from() + i);
        Arrays.fill(size, 1);
        Arrays.fill(weights, 1);
        Arrays.fill(fixed, 1 << PRECISION);
        return new Windows(first, size, 1, weights, fixed);
    }

    private static Windows weighted(Frame frame, Interpolation filter) {
        double scale = (double) frame.in() / frame.resized();
        double filterScale = Math.max(scale, 1);
        double support = filter.support() * filterScale;
        double reciprocal = 1 / filterScale;
        int count = frame.count();
        int[] first = new int[count];
        int[] size = new int[count];
        int taps = 1;
        for (int i = 0; i < count; i++) {
            double center = (frame.from() + i + 0.5) * scale;
            first[i] = Math.max(0, (int) (center - support + 0.5));
            size[i] = Math.min(frame.in(), (int) (center + support + 0.5)) - first[i];
            taps = Math.max(taps, size[i]);
        }
        double[] weights = new double[Math.multiplyExact(count, taps)];
        int[] fixed = new int[weights.length];
        for (int i = 0; i < count; i++) {
            double center = (frame.from() + i + 0.5) * scale;
            double sum = 0;
            for (int x = 0; x < size[i]; x++) {
                double w = filter.weight((x + first[i] - center + 0.5) * reciprocal);
                weights[i * taps + x] = w;
                sum += w;
            }
            for (int x = 0; x < size[i]; x++) {
                double w = sum == 0 ? weights[i * taps + x] : weights[i * taps + x] / sum;
                weights[i * taps + x] = w;
                fixed[i * taps + x] = (int) (w * (1 << PRECISION) + (w < 0 ? -0.5 : 0.5));
            }
        }
        return new Windows(first, size, taps, weights, fixed);
    }

    /** The first source position that any window touches. */
    int from() {
        return first[0];
    }

    /** One past the last source position that any window touches. */
    int to() {
        int last = first.length - 1;
        return first[last] + size[last];
    }

    /** Source positions of nearest neighbour: the position grows by additions, whose rounding is part of the result. */
    static int[] nearest(Frame frame) {
        double scale = (double) frame.in() / frame.resized();
        double position = scale * 0.5;
        for (int i = 0; i < frame.from(); i++) {
            position += scale;
        }
        int[] source = new int[frame.count()];
        for (int i = 0; i < source.length; i++) {
            source[i] = Math.min((int) position, frame.in() - 1);
            position += scale;
        }
        return source;
    }
}
