package jclip.checkpoint;

/**
 * Resizing of a ViT's grid of positional embeddings to another picture size, as open_clip does it (PyTorch's
 * antialiased bicubic interpolation, {@code align_corners} false): Keys's cubic kernel with a = -0.5, stretched by the
 * ratio when shrinking, weights normalised to sum 1, taps outside the grid dropped. Computed in double precision and
 * rounded once.
 */
public final class PositionGrid {
    private static final double A = -0.5;
    private static final double SUPPORT = 2;

    private PositionGrid() {}

    /**
     * Resizes a square grid; the class token's row is not part of it.
     *
     * @param grid [oldSide, oldSide, width], row-major
     * @return [newSide, newSide, width]; a copy if the sides are equal
     */
    public static float[] resize(float[] grid, int oldSide, int newSide, int width) {
        if (oldSide < 1
                || newSide < 1
                || width < 1
                || grid.length != Math.multiplyExact(oldSide * (long) oldSide, width)) {
            throw new IllegalArgumentException("a grid of " + grid.length + " values is not " + oldSide + " x "
                    + oldSide + " x " + width + ", or the new side " + newSide + " is not positive");
        }
        if (oldSide == newSide) {
            return grid.clone();
        }
        double[][] weights = weights(oldSide, newSide);
        double[] wide = new double[Math.multiplyExact(oldSide * newSide, width)];
        for (int y = 0; y < oldSide; y++) {
            for (int x = 0; x < newSide; x++) {
                for (int tap = 0; tap < oldSide; tap++) {
                    double weight = weights[x][tap];
                    int to = (y * newSide + x) * width;
                    int from = (y * oldSide + tap) * width;
                    for (int c = 0; weight != 0 && c < width; c++) {
                        wide[to + c] += weight * grid[from + c];
                    }
                }
            }
        }
        return vertical(wide, weights, oldSide, newSide, width);
    }

    private static float[] vertical(double[] wide, double[][] weights, int oldSide, int newSide, int width) {
        int row = newSide * width;
        float[] result = new float[Math.multiplyExact(newSide, row)];
        for (int y = 0; y < newSide; y++) {
            for (int i = 0; i < row; i++) {
                double sum = 0;
                for (int tap = 0; tap < oldSide; tap++) {
                    sum += weights[y][tap] * wide[tap * row + i];
                }
                result[y * row + i] = (float) sum;
            }
        }
        return result;
    }

    private static double[][] weights(int oldSide, int newSide) {
        double scale = (double) oldSide / newSide;
        double stretch = Math.max(scale, 1);
        double[][] weights = new double[newSide][oldSide];
        for (int i = 0; i < newSide; i++) {
            double centre = (i + 0.5) * scale;
            int low = Math.max(0, (int) (centre - SUPPORT * stretch + 0.5));
            int high = Math.min(oldSide, (int) (centre + SUPPORT * stretch + 0.5));
            double sum = 0;
            for (int tap = low; tap < high; tap++) {
                weights[i][tap] = cubic((tap + 0.5 - centre) / stretch);
                sum += weights[i][tap];
            }
            for (int tap = low; tap < high; tap++) {
                weights[i][tap] /= sum;
            }
        }
        return weights;
    }

    private static double cubic(double x) {
        double t = Math.abs(x);
        if (t < 1) {
            return ((A + 2) * t - (A + 3)) * t * t + 1;
        }
        return t < 2 ? (((t - 5) * t + 8) * t - 4) * A : 0;
    }
}
