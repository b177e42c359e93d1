package jclip.eval;

/** Products of matrices in double precision. */
final class Products {
    /** Columns of A, rows of B, that stay in the first cache while all rows of A pass. */
    private static final int PANEL = 16;

    private Products() {}

    /**
     * C += A B; each element of C is summed in the order of the inner index, four at a time from the last to the first.
     *
     * @param a element (i, k) at {@code i * rowStep + k * columnStep}
     * @param b [inner][columns]
     * @param c [rows][columns]
     */
    static void add(double[] a, int rowStep, int columnStep, int rows, int inner, double[][] b, double[][] c) {
        for (int panel = 0; panel < inner; panel += PANEL) {
            int end = Math.min(inner, panel + PANEL);
            for (int i = 0; i < rows; i++) {
                int k = panel;
                for (; k + 3 < end; k += 4) {
                    int at = i * rowStep + k * columnStep;
                    addRows(
                            a[at],
                            a[at + columnStep],
                            a[at + 2 * columnStep],
                            a[at + 3 * columnStep],
                            b[k],
                            b[k + 1],
                            b[k + 2],
                            b[k + 3],
                            c[i]);
                }
                for (; k < end; k++) {
                    addRow(a[i * rowStep + k * columnStep], b[k], c[i]);
                }
            }
        }
    }

    /** Apart, so that the compiler makes one vector loop of it. */
    private static void addRows(
            double a0,
            double a1,
            double a2,
            double a3,
            double[] b0,
            double[] b1,
            double[] b2,
            double[] b3,
            double[] c) {
        for (int j = 0; j < c.length; j++) {
            c[j] = Math.fma(a0, b0[j], Math.fma(a1, b1[j], Math.fma(a2, b2[j], Math.fma(a3, b3[j], c[j]))));
        }
    }

    private static void addRow(double a, double[] b, double[] c) {
        for (int j = 0; j < c.length; j++) {
            c[j] = Math.fma(a, b[j], c[j]);
        }
    }
}
