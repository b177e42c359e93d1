package jclip.image;

import java.util.Locale;

/** How a picture is brought to the target size; open_clip's {@code resize_mode}. */
public enum ResizeMode {
    /** The short side becomes the target, then the centre is cut out. */
    SHORTEST,
    /** Both sides straight to the target; the proportions change. */
    SQUASH,
    /** The long side becomes the target, the rest is filled with the fill colour. */
    LONGEST;

    /**
     * From the name in an open_clip configuration.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    public static ResizeMode parse(String name) {
        for (ResizeMode mode : values()) {
            if (mode.toString().equals(name)) {
                return mode;
            }
        }
        throw new IllegalArgumentException("resize mode '" + name + "', wanted shortest, squash or longest");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
