package jclip.image;

import java.nio.file.Path;

/**
 * Where a picture comes from: a file, encoded bytes, or a decoded picture. Immutable as long as nobody writes to the
 * bytes.
 */
public sealed interface PictureSource {
    /** What messages call it. */
    String name();

    /** A file, read when it is its turn. */
    static PictureSource of(Path file) {
        return new File(file);
    }

    /**
     * Encoded bytes, not copied.
     *
     * @param name what messages call them
     */
    static PictureSource of(byte[] encoded, String name) {
        return new Encoded(encoded, name);
    }

    /** A decoded picture. */
    static PictureSource of(Picture picture) {
        return new Decoded(picture);
    }

    /** A file in any format that {@link PictureReader} reads. */
    record File(Path path) implements PictureSource {
        @Override
        public String name() {
            return path.toString();
        }
    }

    /** An encoded picture in memory. */
    @SuppressWarnings("ArrayRecordComponent") // identity is enough, nobody compares sources
    record Encoded(byte[] bytes, String name) implements PictureSource {}

    /** A decoded picture. */
    record Decoded(Picture picture) implements PictureSource {
        @Override
        public String name() {
            return picture.source();
        }
    }
}
