package jclip.data;

import java.util.Arrays;
import jclip.image.Picture;
import jclip.image.Preprocessor;
import jclip.image.ResizeMode;

/**
 * 64 bits that hardly change when a picture is scaled, recompressed or made a little brighter: the picture as 32 x 32
 * grey values, its 8 x 8 lowest cosine frequencies, and for each whether it lies above their median. Pictures within
 * {@link #NEAR} bits of each other are near duplicates. Stateless, safe for many threads.
 *
 * <p>Source: Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010), section 3.2.1, as the
 * Python package imagehash does it ({@code phash}).
 */
public final class PerceptualHash {
    /** Bits in which near duplicates differ at most. */
    public static final int NEAR = 3;

    private static final int SIDE = 32;
    private static final int KEPT = 8;
    private static final double[] COSINES = cosines();

    private PerceptualHash() {}

    /** Made on first use: a preprocessor needs the native library. */
    private static final class Small {
        static final Preprocessor GREY = Preprocessor.builder()
                .size(SIDE, SIDE)
                .resizeMode(ResizeMode.SQUASH)
                .build();

        private Small() {}
    }

    /** The hash of a picture. */
    public static long of(Picture picture) {
        byte[] rgb = Small.GREY.toRgb(picture);
        double[] grey = new double[SIDE * SIDE];
        for (int i = 0; i < grey.length; i++) {
            int red = rgb[3 * i] & 255;
            int green = rgb[3 * i + 1] & 255;
            int blue = rgb[3 * i + 2] & 255;
            grey[i] = (red * 299 + green * 587 + blue * 114) / 1000.0;
        }
        double[] low = lowest(grey);
        double[] sorted = low.clone();
        Arrays.sort(sorted);
        double median = (sorted[31] + sorted[32]) / 2;
        long hash = 0;
        for (double value : low) {
            hash = hash << 1 | (value > median ? 1 : 0);
        }
        return hash;
    }

    /** Bits in which two hashes differ. */
    public static int distance(long a, long b) {
        return Long.bitCount(a ^ b);
    }

    private static double[] cosines() {
        double[] table = new double[KEPT * SIDE];
        for (int k = 0; k < KEPT; k++) {
            for (int i = 0; i < SIDE; i++) {
                table[k * SIDE + i] = StrictMath.cos(Math.PI * k * (2 * i + 1) / (2 * SIDE));
            }
        }
        return table;
    }

    /** The lowest frequencies of both axes, rows first. */
    private static double[] lowest(double[] grey) {
        double[] part = new double[SIDE * KEPT];
        double[] low = new double[KEPT * KEPT];
        for (int y = 0; y < SIDE; y++) {
            for (int k = 0; k < KEPT; k++) {
                double sum = 0;
                for (int x = 0; x < SIDE; x++) {
                    sum += grey[y * SIDE + x] * COSINES[k * SIDE + x];
                }
                part[y * KEPT + k] = sum;
            }
        }
        for (int k = 0; k < KEPT; k++) {
            for (int c = 0; c < KEPT; c++) {
                double sum = 0;
                for (int y = 0; y < SIDE; y++) {
                    sum += part[y * KEPT + c] * COSINES[k * SIDE + y];
                }
                low[k * KEPT + c] = sum;
            }
        }
        return low;
    }
}
