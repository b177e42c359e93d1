package jclip.tools.world;

/** How many things there are and where: a lone one at a place, two or three in a line. */
public enum Layout {
    LEFT(1),
    RIGHT(1),
    TOP(1),
    BOTTOM(1),
    MIDDLE(1),
    TWO_ACROSS(2),
    TWO_DOWN(2),
    THREE_ACROSS(3),
    THREE_DOWN(3);

    private static final double ASIDE = 0.18;
    private static final double[] PAIR = {-0.235, 0.235};
    private static final double[] TRIPLE = {-0.32, 0, 0.32};

    final int count;

    Layout(int count) {
        this.count = count;
    }

    /** Middle of a thing from left to right, 0 being the picture's middle and 1 its side. */
    double x(int which) {
        return switch (this) {
            case LEFT -> -ASIDE;
            case RIGHT -> ASIDE;
            case TOP, BOTTOM, MIDDLE, TWO_DOWN, THREE_DOWN -> 0;
            case TWO_ACROSS -> PAIR[which];
            case THREE_ACROSS -> TRIPLE[which];
        };
    }

    /** Middle of a thing from top to bottom. */
    double y(int which) {
        return switch (this) {
            case TOP -> -ASIDE;
            case BOTTOM -> ASIDE;
            case LEFT, RIGHT, MIDDLE, TWO_ACROSS, THREE_ACROSS -> 0;
            case TWO_DOWN -> PAIR[which];
            case THREE_DOWN -> TRIPLE[which];
        };
    }

    /** Half the height of a thing. */
    double radius(Size size) {
        if (size == Size.SMALL) {
            return 0.14;
        }
        return switch (count) {
            case 1 -> 0.27;
            case 2 -> 0.205;
            default -> 0.157;
        };
    }
}
