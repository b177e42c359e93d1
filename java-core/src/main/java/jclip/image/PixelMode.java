package jclip.image;

/** How a picture stores its pixels: the modes of Pillow, in which the reference resizes. */
public enum PixelMode {
    /** Black and white: one byte a pixel, 0 or 255. Always resized by nearest neighbour. */
    BILEVEL("1", 1),
    /** Grey: one byte a pixel. */
    GREY("L", 1),
    /** Grey and alpha, not premultiplied: two bytes a pixel. */
    GREY_ALPHA("LA", 2),
    /** 16-bit grey, little endian: two bytes a pixel. Becomes RGB by cutting at 255, as in the reference. */
    GREY16("I;16", 2),
    /** Indices into a palette of 256 RGB entries: one byte a pixel. Always resized by nearest neighbour. */
    PALETTE("P", 1),
    /** Red, green, blue. */
    RGB("RGB", 3),
    /** Red, green, blue, alpha, not premultiplied. The alpha is dropped at the end, not blended. */
    RGBA("RGBA", 4),
    /** Cyan, magenta, yellow, black; 255 is full ink. */
    CMYK("CMYK", 4);

    private final String pillowName;
    private final int bytes;

    PixelMode(String pillowName, int bytes) {
        this.pillowName = pillowName;
        this.bytes = bytes;
    }

    /** The name that Pillow gives this mode. */
    public String pillowName() {
        return pillowName;
    }

    /** Bytes of one pixel. */
    public int bytesPerPixel() {
        return bytes;
    }

    boolean hasAlpha() {
        return this == GREY_ALPHA || this == RGBA;
    }

    /** Modes whose values cannot be averaged. */
    boolean nearestOnly() {
        return this == BILEVEL || this == PALETTE;
    }
}
