package jclip.image;

import java.util.Arrays;

/**
 * The markers of a JPEG file, walked before any decoder sees it: size, components, kind of compression, EXIF
 * orientation, and whether the file reaches its end marker. Broken metadata inside a segment is passed over; a segment
 * or scan that runs past the file's end is not.
 */
record JpegHeader(int width, int height, int components, int orientation) {
    private static final int SOI = 0xD8;
    private static final int EOI = 0xD9;
    private static final int SOS = 0xDA;
    /** Each scan may cost as much as the whole picture in a few bytes; encoders write a dozen. */
    private static final int MAX_SCANS = 500;

    private static final int DQT = 0xDB;
    private static final int APP1 = 0xE1;

    /** The mode in which Pillow opens such a file. */
    PixelMode mode() {
        return switch (components) {
            case 1 -> PixelMode.GREY;
            case 3 -> PixelMode.RGB;
            default -> PixelMode.CMYK;
        };
    }

    static boolean accepts(Bytes file) {
        return file.startsWith(0xFF, SOI, 0xFF);
    }

    static JpegHeader read(Bytes file, long maxPixels) {
        return new Walk(file, maxPixels).read();
    }

    /**
     * The same file without profiles, comments and the like. ImageIO would convert by them, which the reference does
     * not; what says how the components are stored (JFIF in APP0, Adobe in APP14) stays.
     */
    static byte[] withoutMetadata(Bytes file) {
        byte[] in = file.data();
        byte[] out = new byte[in.length];
        int size = 2;
        int at = 2;
        System.arraycopy(in, 0, out, 0, 2);
        while (true) {
            at = Walk.marker(file, at);
            int code = in[at] & 255;
            int length = code == SOS || !hasLength(code) ? 0 : file.u16be(at + 1, "JPEG segment");
            if (length == 0) {
                System.arraycopy(in, at - 1, out, size, in.length - at + 1);
                return Arrays.copyOf(out, size + in.length - at + 1);
            }
            boolean dropped = code > 0xE0 && code <= 0xEF && code != 0xEE || code == 0xFE;
            if (!dropped) {
                System.arraycopy(in, at - 1, out, size, length + 2);
                size += length + 2;
            }
            at += 1 + length;
        }
    }

    private static boolean hasLength(int code) {
        return code != 0x01 && (code < 0xD0 || code > EOI);
    }

    private static final class Walk {
        private final Bytes file;
        private final long maxPixels;
        private int width;
        private int height;
        private int components;
        private int orientation = 1;
        private int scans;
        /** Bit t: quantisation table t is there. */
        private int tables;
        /** Position of the frame header's list of components. */
        private int list;

        Walk(Bytes file, long maxPixels) {
            this.file = file;
            this.maxPixels = maxPixels;
        }

        JpegHeader read() {
            int at = 2;
            boolean scanned = false;
            while (true) {
                at = scanned ? afterScan(at) : marker(file, at);
                int code = file.u8(at, "JPEG marker");
                if (code == EOI) {
                    break;
                }
                if (!hasLength(code)) {
                    at++;
                    continue;
                }
                int length = file.u16be(at + 1, "JPEG segment length");
                if (length < 2) {
                    throw file.error("corrupt JPEG: marker length " + length + " at byte " + at);
                }
                file.need(
                        at + 1,
                        length,
                        "JPEG segment " + Integer.toHexString(code) + " (marker length " + length + ")");
                segment(code, at + 3, length - 2);
                scanned |= code == SOS;
                scans += code == SOS ? 1 : 0;
                if (scans > MAX_SCANS) {
                    throw file.error(
                            "JPEG of more than " + MAX_SCANS + " scans: decoding would take out of all proportion");
                }
                at += 1 + length;
            }
            if (!scanned) {
                throw file.error("JPEG without image data (no scan)");
            }
            return new JpegHeader(width, height, components, orientation);
        }

        /**
         * The position of the next marker's code. Bytes between segments that belong to none are passed over, as
         * libjpeg does.
         */
        private static int marker(Bytes file, int from) {
            int at = from;
            while (file.u8(at, "JPEG marker") != 0xFF) {
                at++;
            }
            while (file.u8(at, "JPEG marker") == 0xFF) {
                at++;
            }
            return at;
        }

        /** The next marker after compressed data, in which FF 00 and the restart markers belong to the data. */
        private int afterScan(int from) {
            byte[] data = file.data();
            for (int at = from; at + 1 < data.length; at++) {
                if (data[at] == (byte) 0xFF) {
                    int code = data[at + 1] & 255;
                    if (code != 0 && code != 0xFF && (code < 0xD0 || code > 0xD7)) {
                        return at + 1;
                    }
                }
            }
            throw file.error("truncated JPEG: no end marker before end of file at byte " + data.length);
        }

        private void segment(int code, int at, int length) {
            if (code >= 0xC0 && code <= 0xCF && code != 0xC4 && code != 0xC8 && code != 0xCC) {
                start(code, at);
            } else if (code == APP1 && orientation == 1) {
                orientation = Exif.orientation(file, at, length);
            } else if (code == DQT) {
                tables(at, length);
            } else if (code == SOS) {
                scan(at);
            }
        }

        private void tables(int at, int length) {
            int next = at;
            while (next < at + length) {
                int kind = file.u8(next, "JPEG quantisation table");
                tables |= 1 << (kind & 15);
                next += kind >> 4 == 0 ? 65 : 129;
            }
        }

        /** Every component of a scan needs its table; decoders differ in what they do without. */
        private void scan(int at) {
            if (components == 0) {
                throw file.error("corrupt JPEG: a scan before the frame's header");
            }
            int count = file.u8(at, "JPEG scan");
            for (int i = 0; i < count; i++) {
                int component = file.u8(at + 1 + 2 * i, "JPEG scan");
                for (int c = 0; c < components; c++) {
                    int table = file.u8(list + 3 * c + 2, "JPEG frame header");
                    if (file.u8(list + 3 * c, "JPEG frame header") == component && (tables >> (table & 15) & 1) == 0) {
                        throw file.error("corrupt JPEG: quantisation table " + table + " is missing");
                    }
                }
            }
        }

        private void start(int code, int at) {
            if (components != 0) {
                throw file.error("corrupt JPEG: a second frame header at byte " + at);
            }
            boolean supported = code <= 0xC2 || code == 0xC9 || code == 0xCA;
            if (!supported) {
                throw file.error("unsupported JPEG process (SOF" + (code - 0xC0)
                        + "): lossless, hierarchical and differential frames are not read");
            }
            int precision = file.u8(at, "JPEG frame header");
            if (precision != 8) {
                throw file.error("unsupported JPEG precision: " + precision + " bits a sample, wanted 8");
            }
            height = file.u16be(at + 1, "JPEG frame header");
            width = file.u16be(at + 3, "JPEG frame header");
            components = file.u8(at + 5, "JPEG frame header");
            if (components != 1 && components != 3 && components != 4) {
                throw file.error("unsupported JPEG: " + components + " components, wanted 1, 3 or 4");
            }
            file.checkSize(width, height, maxPixels);
            list = at + 6;
        }
    }
}
