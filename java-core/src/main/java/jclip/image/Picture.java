package jclip.image;

import java.awt.image.BufferedImage;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A decoded picture: pixels row by row in the file's own mode, as Pillow opens it (first frame of an animation; EXIF
 * orientation and colour profiles not applied). Lives on the Java heap, holds nothing native.
 *
 * <p>Immutable, safe for many threads. The static methods read with {@link PictureReader#standard()}.
 */
public final class Picture {
    private final String source;
    private final int width;
    private final int height;
    private final PixelMode mode;
    /** An array of the heap; or memory of a thread's scratch, in a picture that nobody outside sees. */
    private final MemorySegment pixels;

    private final byte @Nullable [] palette;

    /** Takes the arrays over. palette: 768 bytes with mode PALETTE, else null. */
    Picture(String source, int width, int height, PixelMode mode, byte[] pixels, byte @Nullable [] palette) {
        this(source, width, height, mode, MemorySegment.ofArray(pixels), palette);
    }

    Picture(String source, int width, int height, PixelMode mode, MemorySegment pixels, byte @Nullable [] palette) {
        this.source = source;
        this.width = width;
        this.height = height;
        this.mode = mode;
        this.pixels = pixels;
        this.palette = palette;
    }

    /**
     * Reads a file.
     *
     * @throws ImageException if it cannot be read or is no sound picture
     */
    public static Picture read(Path file) {
        return PictureReader.standard().read(file);
    }

    /**
     * Reads an encoded picture.
     *
     * @param source what messages call it
     * @throws ImageException if it is no sound picture
     */
    public static Picture read(byte[] encoded, String source) {
        return PictureReader.standard().read(encoded, source);
    }

    /**
     * Reads a stream to its end and leaves it open.
     *
     * @param source what messages call it
     * @throws ImageException if it cannot be read or is no sound picture
     */
    public static Picture read(InputStream stream, String source) {
        return PictureReader.standard().read(stream, source);
    }

    /**
     * Copies a Java picture. 8-bit and 16-bit grey, 8-bit RGB and ARGB, one-bit and palette pictures keep their mode (a
     * palette picture is resized by nearest neighbour, as the reference does with palette files); others become RGB or
     * RGBA through sRGB.
     */
    public static Picture of(BufferedImage image) {
        return JavaImages.picture(image);
    }

    /**
     * Copies height x width x 3 bytes, row by row.
     *
     * @throws IllegalArgumentException if the segment has another size
     */
    public static Picture ofRgb(MemorySegment rgb, int width, int height) {
        if (width <= 0 || height <= 0 || rgb.byteSize() != 3L * width * height) {
            throw new IllegalArgumentException(
                    "RGB segment of " + rgb.byteSize() + " bytes, wanted " + height + " x " + width + " x 3");
        }
        return new Picture("RGB picture", width, height, PixelMode.RGB, rgb.toArray(ValueLayout.JAVA_BYTE), null);
    }

    /** What messages call this picture: the file's name, or what the caller named it. */
    public String source() {
        return source;
    }

    /** Pixels in a row. */
    public int width() {
        return width;
    }

    /** Rows. */
    public int height() {
        return height;
    }

    /** How the pixels are stored. */
    public PixelMode mode() {
        return mode;
    }

    /** A copy of the pixels as RGB: height x width x 3 bytes, converted as Pillow's {@code convert("RGB")} does. */
    public byte[] toRgb() {
        return mode == PixelMode.RGB ? pixels.toArray(ValueLayout.JAVA_BYTE) : Rgb.of(mode, pixels(), palette);
    }

    /**
     * A part of the picture, in the same mode: what Pillow's {@code crop} gives.
     *
     * @throws IllegalArgumentException if the box leaves the picture
     */
    public Picture crop(Crop.Box box) {
        box.checkWithin(this);
        if (box.width() == width && box.height() == height) {
            return this;
        }
        int size = mode.bytesPerPixel();
        long row = (long) box.width() * size;
        // Scratch memory is nobody's but this picture's: its rows are moved together where they are.
        MemorySegment part = pixels.isNative()
                ? pixels.asSlice(0, row * box.height())
                : MemorySegment.ofArray(new byte[Math.toIntExact(row * box.height())]);
        for (int y = 0; y < box.height(); y++) {
            long from = ((long) (box.top() + y) * width + box.left()) * size;
            MemorySegment.copy(pixels, from, part, y * row, row);
        }
        return new Picture(source, box.width(), box.height(), mode, part, palette);
    }

    /** Shared, not to be written to. */
    byte[] pixels() {
        return pixels.heapBase().orElse(null) instanceof byte[] array ? array : pixels.toArray(ValueLayout.JAVA_BYTE);
    }

    /** Shared, not to be written to. */
    MemorySegment memory() {
        return pixels;
    }

    byte[] palette() {
        return Objects.requireNonNull(palette);
    }

    /** RGB of pixels that were made from this picture's, in the same mode. */
    byte[] rgbOf(byte[] sameMode) {
        return mode == PixelMode.RGB ? sameMode : Rgb.of(mode, sameMode, palette);
    }

    /** The picture with an EXIF orientation (1 to 8) applied; anything else leaves it as it is. */
    Picture oriented(int orientation) {
        if (orientation < 2 || orientation > 8) {
            return this;
        }
        boolean turned = orientation >= 5;
        int w = turned ? height : width;
        int h = turned ? width : height;
        int size = mode.bytesPerPixel();
        byte[] in = pixels();
        byte[] out = new byte[in.length];
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                int u = turned ? y : x;
                int v = turned ? x : y;
                int sx = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8
                        ? width - 1 - u
                        : u;
                int sy = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7
                        ? height - 1 - v
                        : v;
                System.arraycopy(in, (sy * width + sx) * size, out, (y * w + x) * size, size);
            }
        }
        return new Picture(source, w, h, mode, out, palette);
    }

    @Override
    public String toString() {
        return "Picture[" + width + "x" + height + " " + mode.pillowName() + "]";
    }
}
