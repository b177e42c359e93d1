package jclip.data;

import java.util.Locale;

/** What a member of a sample is, told by what stands behind the first dot of its name. */
enum Member {
    PICTURE(512L << 20),
    CAPTIONS(1L << 20),
    LABEL(64),
    JSON(1L << 20),
    OTHER(Long.MAX_VALUE);

    /** Larger ones are not read. */
    private final long limit;

    Member(long limit) {
        this.limit = limit;
    }

    long limit() {
        return limit;
    }

    static Member of(String extension) {
        return switch (extension.toLowerCase(Locale.ROOT)) {
            case "jpg", "jpeg", "png", "webp", "gif", "bmp", "ppm", "pgm", "tif", "tiff" -> PICTURE;
            case "txt" -> CAPTIONS;
            case "cls" -> LABEL;
            case "json" -> JSON;
            default -> OTHER;
        };
    }
}
