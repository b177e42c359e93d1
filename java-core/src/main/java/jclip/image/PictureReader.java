package jclip.image;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads pictures: JPEG, PNG, GIF, BMP, PPM/PGM/PBM, WebP, TIFF, told apart by their contents. The bytes may be hostile:
 * sizes are checked against the limits and the file's length before anything is reserved, and whatever is wrong is an
 * {@link ImageException}.
 *
 * <p>JPEG and WebP are decoded by libjpeg-turbo and libwebp where these are installed ({@link #jpegDecoder()}, {@link
 * #webpDecoder()}): then the pixels are Pillow's. Animations give their first frame; colour profiles are ignored.
 *
 * <p>Immutable, safe for many threads.
 */
public final class PictureReader {
    /** Pillow refuses more pixels than this. */
    public static final long DEFAULT_MAX_PIXELS = 178_956_970;

    /** Longest file that is read unless told otherwise. */
    public static final long DEFAULT_MAX_BYTES = 512L << 20;

    private static final PictureReader STANDARD = new PictureReader(DEFAULT_MAX_PIXELS, DEFAULT_MAX_BYTES, false);

    private final long maxPixels;
    private final long maxBytes;
    private final boolean upright;

    private PictureReader(long maxPixels, long maxBytes, boolean upright) {
        this.maxPixels = maxPixels;
        this.maxBytes = maxBytes;
        this.upright = upright;
    }

    /** The reference's behaviour: {@link #DEFAULT_MAX_PIXELS}, EXIF orientation ignored. */
    public static PictureReader standard() {
        return STANDARD;
    }

    /** The same reader, refusing pictures of more pixels than this from their header. */
    public PictureReader maxPixels(long pixels) {
        if (pixels < 1) {
            throw new IllegalArgumentException("maxPixels " + pixels + ", wanted at least 1");
        }
        return new PictureReader(pixels, maxBytes, upright);
    }

    /** The same reader, refusing files and streams longer than this; at most 2^31 - 9. */
    public PictureReader maxBytes(long bytes) {
        if (bytes < 1 || bytes > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("maxBytes " + bytes + ", wanted 1 to " + (Integer.MAX_VALUE - 8));
        }
        return new PictureReader(maxPixels, bytes, upright);
    }

    /** The same reader, turning pictures upright by their EXIF orientation (JPEG), or not. The reference does not. */
    public PictureReader upright(boolean applyOrientation) {
        return new PictureReader(maxPixels, maxBytes, applyOrientation);
    }

    /**
     * Reads a file.
     *
     * @throws ImageException if it cannot be read or is no sound picture
     */
    public Picture read(Path file) {
        return read(bytes(file), file.toString());
    }

    private byte[] bytes(Path file) {
        try (InputStream stream = Files.newInputStream(file)) {
            return bytes(stream, file.toString());
        } catch (IOException e) {
            throw new ImageException(file.toString(), "cannot be read: " + e, e);
        }
    }

    /**
     * Reads a stream to its end and leaves it open.
     *
     * @param source what messages call it
     * @throws ImageException if it cannot be read or is no sound picture
     */
    public Picture read(InputStream stream, String source) {
        return read(bytes(stream, source), source);
    }

    private byte[] bytes(InputStream stream, String source) {
        try {
            return stream.readNBytes((int) maxBytes + 1);
        } catch (IOException e) {
            throw new ImageException(source, "cannot be read: " + e, e);
        } catch (OutOfMemoryError e) {
            throw new ImageException(source, "file too large for the Java heap", e);
        }
    }

    /**
     * Reads an encoded picture.
     *
     * @param source what messages call it
     * @throws ImageException if it is no sound picture
     */
    public Picture read(byte[] encoded, String source) {
        try (Scratch scratch = new Scratch()) {
            Picture picture = read(encoded, source, scratch);
            if (!picture.memory().isNative()) {
                return picture;
            }
            byte[] pixels = new Bytes(encoded, source)
                    .allocate(picture.width(), picture.height(), picture.mode().bytesPerPixel());
            MemorySegment.copy(picture.memory(), ValueLayout.JAVA_BYTE, 0, pixels, 0, pixels.length);
            return new Picture(source, picture.width(), picture.height(), picture.mode(), pixels, null);
        }
    }

    /** A picture whose pixels may lie in the scratch memory: valid until that is used again. */
    Picture read(PictureSource source, Scratch scratch) {
        return switch (source) {
            case PictureSource.File file -> read(bytes(file.path()), file.name(), scratch);
            case PictureSource.Encoded encoded -> read(encoded.bytes(), encoded.name(), scratch);
            case PictureSource.Decoded decoded -> decoded.picture();
        };
    }

    private Picture read(byte[] encoded, String source, Scratch scratch) {
        if (encoded.length > maxBytes) {
            throw new ImageException(
                    source, "file too large: more than " + maxBytes + " bytes (PictureReader.maxBytes)");
        }
        Bytes file = new Bytes(encoded, source);
        if (encoded.length == 0) {
            throw file.error("empty file: 0 bytes");
        }
        if (JpegHeader.accepts(file)) {
            return jpeg(file, scratch);
        }
        if (PngReader.accepts(file)) {
            return PngReader.read(file, maxPixels);
        }
        if (GifReader.accepts(file)) {
            return GifReader.read(file, maxPixels);
        }
        if (BmpReader.accepts(file)) {
            return BmpReader.read(file, maxPixels);
        }
        if (PnmReader.accepts(file)) {
            return PnmReader.read(file, maxPixels);
        }
        if (WebpHeader.accepts(file)) {
            WebpHeader header = WebpHeader.read(file, maxPixels);
            LibWebp library = LibWebp.shared().codec();
            return library != null ? library.decode(file, header, scratch) : ImageIoDecoder.WEBP.read(file, maxPixels);
        }
        if (ImageIoDecoder.isTiff(file)) {
            return ImageIoDecoder.TIFF.read(file, maxPixels);
        }
        throw file.error("unknown image format" + (encoded.length < 12 ? ", too short" : "") + ": " + encoded.length
                + " bytes, neither JPEG, PNG, GIF, BMP, PPM, WebP nor TIFF");
    }

    /** Which decoder reads JPEG files, and, if it is not libjpeg-turbo, why not. */
    public static String jpegDecoder() {
        return TurboJpeg.shared().codec() != null
                ? "libjpeg-turbo (" + TurboJpeg.LIBRARY + ")"
                : "ImageIO, which differs from the reference for some files, because "
                        + TurboJpeg.shared().absence();
    }

    /** Which decoder reads WebP files, and, if it is not libwebp, why not. */
    public static String webpDecoder() {
        return LibWebp.shared().codec() != null
                ? "libwebp (" + LibWebp.LIBRARY + ")"
                : "TwelveMonkeys ImageIO, which differs from the reference for lossy files, because "
                        + LibWebp.shared().absence();
    }

    private Picture jpeg(Bytes file, Scratch scratch) {
        JpegHeader header = JpegHeader.read(file, maxPixels);
        TurboJpeg turbo = TurboJpeg.shared().codec();
        MemorySegment pixels = turbo != null
                ? turbo.decode(file, header, scratch)
                : MemorySegment.ofArray(ImageIoDecoder.jpeg(file, header));
        Picture picture = new Picture(file.source(), header.width(), header.height(), header.mode(), pixels, null);
        return upright ? picture.oriented(header.orientation()) : picture;
    }
}
