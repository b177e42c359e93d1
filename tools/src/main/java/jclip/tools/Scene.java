package jclip.tools;

import java.awt.image.BufferedImage;

/**
 * A picture that looks like a photograph of a house on a hill, computed with integers alone, so that its bytes are the same everywhere:
 * sky and sun, two ridges, a house, a tree, a road, grain.
 */
final class Scene {
    static final int WIDTH = 400;
    static final int HEIGHT = 300;

    private Scene() {}

    static BufferedImage draw() {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                image.setRGB(x, y, grained(color(x, y), x, y));
            }
        }
        return image;
    }

    private static int color(int x, int y) {
        if (inHouse(x, y)) {
            return house(x, y);
        }
        if (near(x, y, 330, 150, 34) || near(x, y, 308, 170, 24) || near(x, y, 352, 172, 22)) {
            return rgb(34 + (x + y) % 17, 92 + (x * 7 + y * 3) % 29, 38);
        }
        if (x >= 325 && x < 335 && y >= 170 && y < 236) {
            return rgb(92, 64, 42);
        }
        int front = 205 + (x - 220) * (x - 220) / 900;
        if (y >= front) {
            return ground(x, y, front);
        }
        int back = 150 - (x - 90) * (90 - x) / 500 - x / 12;
        if (y >= back) {
            return rgb(96 + (y - back) / 3, 124 + (y - back) / 4, 138 - (y - back) / 4);
        }
        return sky(x, y);
    }

    private static int sky(int x, int y) {
        int distance = (x - 70) * (x - 70) + (y - 60) * (y - 60);
        if (distance < 24 * 24) {
            return rgb(255, 244, 196);
        }
        int glow = Math.max(0, 90 - distance / 90);
        return rgb(96 + y / 2 + glow, 150 + y / 3 + glow * 3 / 4, 226 - y / 12 + glow / 4);
    }

    private static int ground(int x, int y, int front) {
        int half = 6 + (y - front) / 3;
        int middle = 180 - (y - front) / 2;
        if (Math.abs(x - middle) < half) {
            return rgb(168, 150, 122);
        }
        return rgb(72 + (y - front) / 4 + (x * 13 + y * 5) % 9, 134 - (y - front) / 5 + (x * 3 + y * 11) % 13, 52);
    }

    private static boolean inHouse(int x, int y) {
        boolean walls = x >= 170 && x < 270 && y >= 140 && y < 222;
        boolean roof = y >= 92 && y < 140 && Math.abs(x - 220) < (y - 88) * 6 / 5 + 4;
        return walls || roof || x >= 244 && x < 254 && y >= 84 && y < 124;
    }

    private static int house(int x, int y) {
        if (y < 140) {
            return x >= 244 && x < 254 && y < 112 ? rgb(112, 74, 66) : rgb(150 - (y % 6) * 7, 58, 48);
        }
        boolean door = x >= 210 && x < 230 && y >= 178;
        if (door) {
            return rgb(84, 52, 36);
        }
        boolean window = y >= 156 && y < 178 && (x >= 182 && x < 202 || x >= 238 && x < 258);
        if (window) {
            boolean bar = x % 20 == 12 || x % 28 == 24 || y == 167;
            return bar ? rgb(240, 236, 226) : rgb(118, 160, 196);
        }
        return rgb(222 - (x - 170) / 5, 206 - (x - 170) / 5, 176 - (x - 170) / 6);
    }

    private static boolean near(int x, int y, int centerX, int centerY, int radius) {
        return (x - centerX) * (x - centerX) + (y - centerY) * (y - centerY) < radius * radius;
    }

    /** Sensor noise of a few levels, and darker corners. */
    private static int grained(int color, int x, int y) {
        int hash = (x * 73_856_093) ^ (y * 19_349_663);
        hash = (hash ^ (hash >>> 13)) * 0x5bd1e995;
        int grain = ((hash >>> 20) & 15) - 8;
        int corner = ((x - 200) * (x - 200) + (y - 150) * (y - 150)) / 1800;
        int change = grain - corner;
        return rgb((color >> 16 & 255) + change, (color >> 8 & 255) + change, (color & 255) + change);
    }

    private static int rgb(int red, int green, int blue) {
        return clip(red) << 16 | clip(green) << 8 | clip(blue);
    }

    private static int clip(int value) {
        return Math.max(0, Math.min(255, value));
    }
}
