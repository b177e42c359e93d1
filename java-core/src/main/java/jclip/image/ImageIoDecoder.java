package jclip.image;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/** Formats that a plug-in of Java's ImageIO decodes; its rasters are taken as they are, never its colour conversion. */
enum ImageIoDecoder {
    JPEG("JPEG"),
    WEBP("WebP"),
    TIFF("TIFF");

    private final String format;

    ImageIoDecoder(String format) {
        this.format = format;
    }

    static boolean isTiff(Bytes file) {
        return file.startsWith('I', 'I', 42, 0) || file.startsWith('M', 'M', 0, 42);
    }

    Picture read(Bytes file, long maxPixels) {
        return decode(file, file.data(), reader -> {
            file.checkSize(reader.getWidth(0), reader.getHeight(0), maxPixels);
            BufferedImage image = reader.read(0);
            return JavaImages.picture(image, file.source());
        });
    }

    /**
     * Pixels of a JPEG in the file's mode, for where libjpeg-turbo is missing; what would make ImageIO convert colours
     * is taken out first.
     */
    static byte[] jpeg(Bytes file, JpegHeader header) {
        byte[] plain = JpegHeader.withoutMetadata(file);
        Picture picture = JPEG.decode(file, plain, reader -> {
            Raster raster = reader.read(0).getRaster();
            if (raster.getNumBands() != header.components()
                    || raster.getWidth() != header.width()
                    || raster.getHeight() != header.height()) {
                throw new IOException("decoded to " + raster.getWidth() + "x" + raster.getHeight() + " pixels of "
                        + raster.getNumBands() + " bands");
            }
            return JavaImages.bands(raster, header.mode(), file.source());
        });
        return picture.pixels();
    }

    private interface Decoding {
        Picture from(ImageReader reader) throws IOException;
    }

    /** Plug-ins meet hostile bytes with all kinds of exceptions; here they become one. */
    private Picture decode(Bytes file, byte[] data, Decoding decoding) {
        ImageReader reader = reader(file);
        try (ImageInputStream stream = new ByteArrayStream(data)) {
            reader.setInput(stream, false, true);
            return decoding.from(reader);
        } catch (ImageException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw file.error("corrupt or unsupported " + format + ": " + e, e);
        } catch (OutOfMemoryError | StackOverflowError e) {
            throw file.error(format + " too large for the Java heap", e);
        } finally {
            reader.dispose();
        }
    }

    private ImageReader reader(Bytes file) {
        Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format);
        ImageReader chosen = null;
        while (readers.hasNext()) {
            ImageReader reader = readers.next();
            // The JDK's own where it has one: its pixels were compared with the reference's.
            if (chosen == null
                    || "java.desktop".equals(reader.getClass().getModule().getName())) {
                chosen = reader;
            }
        }
        if (chosen == null) {
            throw file.error("no ImageIO plug-in for " + format + " on the module or class path");
        }
        return chosen;
    }
}
