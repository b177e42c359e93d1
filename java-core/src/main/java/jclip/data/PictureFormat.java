package jclip.data;

/** What an encoded picture is, told by its first bytes. */
enum PictureFormat {
    JPEG("jpg"),
    PNG("png"),
    GIF("gif"),
    BMP("bmp"),
    WEBP("webp"),
    TIFF("tif"),
    PNM("ppm"),
    UNKNOWN("bin");

    private final String extension;

    PictureFormat(String extension) {
        this.extension = extension;
    }

    /** What its files are called. */
    String extension() {
        return extension;
    }

    static PictureFormat of(byte[] bytes) {
        if (at(bytes, 0, 0xFF, 0xD8)) {
            return JPEG;
        }
        if (at(bytes, 0, 0x89, 'P', 'N', 'G')) {
            return PNG;
        }
        if (at(bytes, 0, 'G', 'I', 'F', '8')) {
            return GIF;
        }
        if (at(bytes, 0, 'R', 'I', 'F', 'F') && at(bytes, 8, 'W', 'E', 'B', 'P')) {
            return WEBP;
        }
        if (at(bytes, 0, 'I', 'I', 42, 0) || at(bytes, 0, 'M', 'M', 0, 42)) {
            return TIFF;
        }
        if (at(bytes, 0, 'B', 'M')) {
            return BMP;
        }
        return bytes.length > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' ? PNM : UNKNOWN;
    }

    private static boolean at(byte[] bytes, int from, int... wanted) {
        if (bytes.length < from + wanted.length) {
            return false;
        }
        for (int i = 0; i < wanted.length; i++) {
            if ((bytes[from + i] & 255) != wanted[i]) {
                return false;
            }
        }
        return true;
    }
}
