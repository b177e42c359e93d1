package jclip.tools.world;

/** Outlines of things: which points of the square from -1 to 1 belong to them, y pointing down. */
public enum Shape {
    CIRCLE {
        @Override
        boolean contains(double x, double y) {
            return x * x + y * y < 0.9;
        }
    },
    SQUARE {
        @Override
        boolean contains(double x, double y) {
            return Math.max(Math.abs(x), Math.abs(y)) < 0.82;
        }
    },
    TRIANGLE {
        @Override
        boolean contains(double x, double y) {
            return y < 0.75 && Math.abs(x) < 0.58 * (y + 1);
        }
    },
    STAR {
        @Override
        boolean contains(double x, double y) {
            return inStar(x, y - 0.06);
        }
    },
    RING {
        @Override
        boolean contains(double x, double y) {
            double square = x * x + y * y;
            return square < 0.95 && square > 0.25;
        }
    },
    CROSS {
        @Override
        boolean contains(double x, double y) {
            double across = Math.abs(x);
            double along = Math.abs(y);
            return Math.min(across, along) < 0.32 && Math.max(across, along) < 0.95;
        }
    },
    HEART {
        @Override
        boolean contains(double x, double y) {
            double u = 1.2 * x;
            double v = 0.2 - 1.2 * y;
            double a = u * u + v * v - 1;
            return a * a * a < u * u * v * v * v;
        }
    },
    DIAMOND {
        @Override
        boolean contains(double x, double y) {
            return Math.abs(x) / 0.68 + Math.abs(y) < 1;
        }
    };

    /** Lines through five tips: a point of the star is behind at least four of them. */
    private static final double[][] EDGES = edges();

    private static final double STAR_DEPTH = 0.36;

    abstract boolean contains(double x, double y);

    String word() {
        return Words.lower(this);
    }

    /** For one, or for several. */
    String word(int count) {
        return switch (this) {
            case CROSS -> count == 1 ? "cross" : "crosses";
            default -> count == 1 ? word() : word() + "s";
        };
    }

    private static double[][] edges() {
        double[][] edges = new double[5][];
        for (int i = 0; i < 5; i++) {
            double angle = StrictMath.PI * (0.5 + 0.4 * i);
            edges[i] = new double[] {StrictMath.cos(angle), StrictMath.sin(angle)};
        }
        return edges;
    }

    private static boolean inStar(double x, double y) {
        int behind = 0;
        for (double[] edge : EDGES) {
            behind += x * edge[0] + y * edge[1] < STAR_DEPTH ? 1 : 0;
        }
        return behind >= 4;
    }
}
