package jclip.image;

import java.util.Locale;

/** The resampling filter; antialiased as Pillow's, in 8-bit fixed point. */
public enum Interpolation {
    /** Cubic with a = -0.5, four pixels wide when enlarging. */
    BICUBIC(2),
    /** Triangle, two pixels wide when enlarging. */
    BILINEAR(1),
    /** One source pixel, no averaging. */
    NEAREST(0);

    private final double support;

    Interpolation(double support) {
        this.support = support;
    }

    /** From the name in an open_clip configuration ("random" is bicubic outside training).
     *  @throws IllegalArgumentException if there is none of that name */
    public static Interpolation parse(String name) {
        if (name.equals("random")) {
            return BICUBIC;
        }
        for (Interpolation interpolation : values()) {
            if (interpolation.toString().equals(name)) {
                return interpolation;
            }
        }
        throw new IllegalArgumentException("interpolation '" + name + "', wanted bicubic, bilinear or nearest");
    }

    double support() {
        return support;
    }

    double weight(double x) {
        double t = Math.abs(x);
        if (this == BILINEAR) {
            return t < 1 ? 1 - t : 0;
        }
        double a = -0.5;
        if (t < 1) {
            return ((a + 2) * t - (a + 3)) * t * t + 1;
        }
        return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
