package jclip.image;

/** The one EXIF value that matters here. Broken metadata means orientation 1. */
final class Exif {
    private static final int ORIENTATION = 0x0112;

    private Exif() {}

    /** Orientation 1 to 8 from an APP1 segment's content, 1 if it is no EXIF or has none. */
    static int orientation(Bytes file, int at, int length) {
        if (length < 6 || !file.ascii(at, "Exif\0\0")) {
            return 1;
        }
        return tiffOrientation(file, at + 6, length - 6);
    }

    /** Orientation from the first directory of the TIFF structure of {@code length} bytes at {@code at}. */
    static int tiffOrientation(Bytes file, int at, int length) {
        boolean little = file.ascii(at, "II");
        if (length < 8 || !little && !file.ascii(at, "MM")) {
            return 1;
        }
        long directory = u32(file, at + 4, little);
        if (directory > length - 2) {
            return 1;
        }
        int base = at + (int) directory;
        int entries = Math.min(u16(file, base, little), (length - (int) directory - 2) / 12);
        for (int i = 0; i < entries; i++) {
            int entry = base + 2 + 12 * i;
            if (u16(file, entry, little) == ORIENTATION) {
                int value = u16(file, entry + 8, little);
                return value >= 1 && value <= 8 ? value : 1;
            }
        }
        return 1;
    }

    private static int u16(Bytes file, int at, boolean little) {
        return little ? file.u16le(at, "EXIF") : file.u16be(at, "EXIF");
    }

    private static long u32(Bytes file, int at, boolean little) {
        return little ? file.u32le(at, "EXIF") : file.u32be(at, "EXIF");
    }
}
