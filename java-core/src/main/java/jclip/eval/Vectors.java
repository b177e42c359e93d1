package jclip.eval;

/** Vectors in double precision. */
final class Vectors {
    /** As the reference's {@code F.normalize}: a vector of zeros stays one. */
    private static final double LEAST_LENGTH = 1e-12;

    private Vectors() {}

    static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    static double[] unit(float[] vector) {
        double[] wide = new double[vector.length];
        for (int i = 0; i < vector.length; i++) {
            wide[i] = vector[i];
        }
        return unit(wide);
    }

    /** Brings a vector to unit length, in place. */
    static double[] unit(double[] vector) {
        double length = Math.max(Math.sqrt(dot(vector, vector)), LEAST_LENGTH);
        for (int i = 0; i < vector.length; i++) {
            vector[i] /= length;
        }
        return vector;
    }

    static double[][] units(float[][] rows) {
        double[][] units = new double[rows.length][];
        for (int i = 0; i < rows.length; i++) {
            if (rows[i].length != rows[0].length) {
                throw new IllegalArgumentException(
                        "row " + i + " has " + rows[i].length + " numbers, the first has " + rows[0].length);
            }
            units[i] = unit(rows[i]);
        }
        return units;
    }

    /** Dimensions first: {@link #products} then runs along memory. */
    static double[][] transposed(double[][] rows) {
        double[][] columns = new double[rows.length == 0 ? 0 : rows[0].length][rows.length];
        for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < columns.length; j++) {
                columns[j][i] = rows[i][j];
            }
        }
        return columns;
    }

    /** Products of a vector with every column vector, each summed in the order of dimensions, as {@link #dot} does. */
    static double[] products(double[] vector, double[][] transposed, int count) {
        double[] sums = new double[count];
        for (int i = 0; i < vector.length; i++) {
            double factor = vector[i];
            double[] row = transposed[i];
            for (int j = 0; j < count; j++) {
                sums[j] += factor * row[j];
            }
        }
        return sums;
    }
}
