package jclip.image;

import org.jspecify.annotations.Nullable;

/**
 * The bytes of one file with its name: every access is checked, and a miss is an {@link ImageException} that says
 * where.
 */
record Bytes(byte[] data, String source) {
    int length() {
        return data.length;
    }

    void need(long at, long count, String what) {
        if (at < 0 || count < 0 || at > data.length - count) {
            throw error("truncated: " + what + " needs bytes " + at + " to " + (at + count) + ", end of file at "
                    + data.length);
        }
    }

    int u8(long at, String what) {
        need(at, 1, what);
        return data[(int) at] & 255;
    }

    int u16le(long at, String what) {
        need(at, 2, what);
        return (data[(int) at] & 255) | (data[(int) at + 1] & 255) << 8;
    }

    int u16be(long at, String what) {
        need(at, 2, what);
        return (data[(int) at] & 255) << 8 | (data[(int) at + 1] & 255);
    }

    long u32le(long at, String what) {
        return u16le(at, what) | (long) u16le(at + 2, what) << 16;
    }

    long u32be(long at, String what) {
        return (long) u16be(at, what) << 16 | u16be(at + 2, what);
    }

    boolean startsWith(int... prefix) {
        if (data.length < prefix.length) {
            return false;
        }
        for (int i = 0; i < prefix.length; i++) {
            if ((data[i] & 255) != prefix[i]) {
                return false;
            }
        }
        return true;
    }

    boolean ascii(int at, String text) {
        if (at < 0 || at > data.length - text.length()) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if (data[at + i] != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** Refuses sizes from the header before anything is reserved for pixels. */
    void checkSize(long width, long height, long maxPixels) {
        if (width <= 0 || height <= 0) {
            throw error("dimensions " + width + "x" + height + ": width and height must not be zero or negative");
        }
        if (width > Integer.MAX_VALUE || height > Integer.MAX_VALUE || width * height > maxPixels) {
            throw error("dimensions too large: " + width + "x" + height + " pixels, the limit is " + maxPixels
                    + " (PictureReader.maxPixels)");
        }
    }

    /**
     * Memory for pixels whose number was checked; a heap too small for them is the picture's error, not the caller's.
     */
    byte[] allocate(int width, int height, int bytesPerPixel) {
        long size = (long) width * height * bytesPerPixel;
        if (size > Integer.MAX_VALUE - 8) {
            throw error("dimensions too large: " + width + "x" + height + " pixels need " + size + " bytes");
        }
        try {
            return new byte[(int) size];
        } catch (OutOfMemoryError e) {
            throw error(
                    "dimensions too large for the Java heap: " + width + "x" + height + " pixels need " + size
                            + " bytes",
                    e);
        }
    }

    ImageException error(String problem) {
        return new ImageException(source, problem);
    }

    ImageException error(String problem, @Nullable Throwable cause) {
        return cause == null ? error(problem) : new ImageException(source, problem, cause);
    }
}
