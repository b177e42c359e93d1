package jclip.tools.world;

import jclip.data.Philox;

/**
 * Draws scenes: every pixel is the mean of 3 x 3 points. Shades, small shifts and turns are random, and a little grain
 * lies over all. Only arithmetic that is the same on every machine.
 */
final class Painter {
    /** Random words of a picture: a multiple of four. */
    static final int DRAWS = 24;

    private static final int POINTS = 3;
    private static final double SHIFT = 0.03;
    private static final double GROW = 0.05;
    private static final double TURN = 0.2;
    private static final int SHADE = 26;
    private static final int GRAIN = 7;
    private static final double PALE = 0.72;
    /** The furthest point of a shape from its middle, in its radius. */
    private static final double REACH = 1.25;

    private final Scene scene;
    private final int side;
    private final int[] draws;
    private final int[] sums;
    private int next;

    private Painter(Scene scene, int side, int[] draws) {
        this.scene = scene;
        this.side = side;
        this.draws = draws;
        this.sums = new int[3 * side * side];
    }

    /**
     * Draws a scene.
     *
     * @param draws {@link #DRAWS} random words
     * @return side x side x 3 bytes
     */
    static byte[] rgb(Scene scene, int side, int[] draws) {
        return new Painter(scene, side, draws).paint();
    }

    /** In [-1, 1). */
    private double draw() {
        return 2 * Philox.unit(draws[next++]) - 1;
    }

    private int[] shaded(int rgb) {
        double all = draw();
        int[] color = new int[3];
        for (int c = 0; c < 3; c++) {
            int value = rgb >> (16 - 8 * c) & 255;
            color[c] = clip(value + (int) Math.rint(SHADE * 0.5 * (all + 0.4 * draw())));
        }
        return color;
    }

    private static int clip(int value) {
        return Math.max(0, Math.min(255, value));
    }

    private byte[] paint() {
        int[] ground = shaded(scene.background().rgb);
        int[] color = shaded(scene.kind().color().rgb);
        int[] pale = new int[3];
        for (int c = 0; c < 3; c++) {
            pale[c] = (int) Math.rint(color[c] + PALE * (255 - color[c]));
        }
        for (int i = 0; i < side * side; i++) {
            for (int c = 0; c < 3; c++) {
                sums[3 * i + c] = POINTS * POINTS * ground[c];
            }
        }
        Layout layout = scene.layout();
        double dx = SHIFT * draw();
        double dy = SHIFT * draw();
        double radius = layout.radius(scene.size()) * (1 + GROW * draw());
        for (int i = 0; i < layout.count; i++) {
            thing(0.5 + layout.x(i) + dx, 0.5 + layout.y(i) + dy, radius, TURN * draw(), ground, color, pale);
        }
        return grained();
    }

    /** Replaces the ground by the thing's colours at the points within its outline. */
    private void thing(double x, double y, double radius, double turn, int[] ground, int[] color, int[] pale) {
        double cos = StrictMath.cos(turn) / radius;
        double sin = StrictMath.sin(turn) / radius;
        int top = pixel(y - REACH * radius);
        int bottom = pixel(y + REACH * radius);
        int left = pixel(x - REACH * radius);
        int right = pixel(x + REACH * radius);
        Shape shape = scene.kind().shape();
        Texture texture = scene.kind().texture();
        double step = 1.0 / (POINTS * side);
        for (int row = top * POINTS; row < (bottom + 1) * POINTS; row++) {
            double v = (row + 0.5) * step - y;
            for (int column = left * POINTS; column < (right + 1) * POINTS; column++) {
                double u = (column + 0.5) * step - x;
                double a = cos * u + sin * v;
                double b = cos * v - sin * u;
                if (shape.contains(a, b)) {
                    int[] tone = texture.isPale(radius * a, radius * b) ? pale : color;
                    int at = 3 * (row / POINTS * side + column / POINTS);
                    sums[at] += tone[0] - ground[0];
                    sums[at + 1] += tone[1] - ground[1];
                    sums[at + 2] += tone[2] - ground[2];
                }
            }
        }
    }

    private int pixel(double at) {
        return Math.max(0, Math.min(side - 1, (int) Math.floor(at * side)));
    }

    private byte[] grained() {
        int key = draws[DRAWS - 1];
        byte[] bytes = new byte[sums.length];
        for (int i = 0; i < bytes.length; i++) {
            int hash = (i / 3 + key) * 0x9E3779B9;
            hash = (hash ^ hash >>> 15) * 0x85EBCA6B;
            int grain = (hash >>> 16) % (2 * GRAIN + 1) - GRAIN;
            bytes[i] = (byte) clip((sums[i] + POINTS * POINTS / 2) / (POINTS * POINTS) + grain);
        }
        return bytes;
    }
}
