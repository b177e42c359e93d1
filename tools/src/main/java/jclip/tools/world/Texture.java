package jclip.tools.world;

/** What covers a thing: its own colour, and a pale tone where {@link #isPale} says so. Lengths in shares of the picture's side. */
public enum Texture {
    PLAIN {
        @Override
        boolean isPale(double x, double y) {
            return false;
        }
    },
    STRIPED {
        @Override
        boolean isPale(double x, double y) {
            return cell(y + 0.25 * STRIPE, STRIPE) < 0.45;
        }
    },
    DOTTED {
        @Override
        boolean isPale(double x, double y) {
            double row = Math.floor(y / DOT_ROW);
            double u = cell(x + (row % 2 == 0 ? 0 : 0.5 * DOT_STEP), DOT_STEP) - 0.5;
            double v = (y / DOT_ROW - row - 0.5) * DOT_ROW / DOT_STEP;
            return u * u + v * v < 0.09;
        }
    },
    CHECKERED {
        @Override
        boolean isPale(double x, double y) {
            return (Math.floor(x / CHECK) + Math.floor(y / CHECK)) % 2 == 0;
        }
    };

    private static final double STRIPE = 0.115;
    private static final double DOT_STEP = 0.13;
    private static final double DOT_ROW = 0.11;
    private static final double CHECK = 0.08;

    /** Whether a point, seen from the thing's middle, has the pale tone. */
    abstract boolean isPale(double x, double y);

    String word() {
        return Words.lower(this);
    }

    private static double cell(double at, double step) {
        double value = at / step;
        return value - Math.floor(value);
    }
}
