package jclip.text;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** The bytes of a vocabulary file, unpacked where they are gzip, of bounded size. */
record VocabularyFile(Path path, byte[] bytes) {
    /** Far above any known vocabulary; what is larger is refused before it is read. */
    static final int LARGEST = 16 << 20;

    static VocabularyFile read(Path path) {
        byte[] raw;
        try {
            long size = Files.size(path);
            if (size > LARGEST) {
                throw tooLarge(path, size + " bytes");
            }
            try (InputStream in = Files.newInputStream(path)) {
                raw = in.readNBytes(LARGEST + 1);
            }
        } catch (IOException e) {
            throw new TokenizerException(path + ": cannot be read: " + e, e);
        }
        if (raw.length == 0) {
            throw new TokenizerException(path + ": is empty (0 bytes); wanted a vocabulary, as text or gzip");
        }
        boolean gzip = raw.length > 1 && raw[0] == 0x1F && raw[1] == (byte) 0x8B;
        byte[] bytes = gzip ? unpack(path, raw) : raw;
        if (bytes.length > LARGEST) {
            throw tooLarge(path, gzip ? "unpacked more" : "more");
        }
        int malformed = Utf8.malformedAt(bytes, 0, bytes.length);
        if (malformed >= 0) {
            throw new TokenizerException(
                    path + ": line " + lineOf(bytes, malformed) + " is not UTF-8 (byte " + malformed + ")");
        }
        return new VocabularyFile(path, bytes);
    }

    private static byte[] unpack(Path path, byte[] raw) {
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(raw), 1 << 16)) {
            return in.readNBytes(LARGEST + 1);
        } catch (EOFException e) {
            throw new TokenizerException(path + ": the gzip file is truncated: its end is missing; copy it again", e);
        } catch (ZipException e) {
            String what = String.valueOf(e.getMessage());
            String kind = what.contains("trailer") ? "its checksum or length does not match" : what;
            throw new TokenizerException(path + ": the gzip file is damaged: " + kind + "; copy it again", e);
        } catch (IOException e) {
            throw new TokenizerException(path + ": the gzip file cannot be unpacked: " + e, e);
        }
    }

    private static TokenizerException tooLarge(Path path, String found) {
        return new TokenizerException(
                path + ": is too large for a vocabulary: " + found + ", at most " + LARGEST + " bytes are read");
    }

    static int lineOf(byte[] bytes, int at) {
        int line = 1;
        for (int i = 0; i < at; i++) {
            line += bytes[i] == '\n' ? 1 : 0;
        }
        return line;
    }

    /** The end of the line that begins at {@code from}: its line feed or the end of the file. */
    static int lineEnd(byte[] bytes, int from) {
        int end = from;
        while (end < bytes.length && bytes[end] != '\n') {
            end++;
        }
        return end;
    }

    /** A part of the file for a message: short and on one line. */
    static String quote(byte[] bytes, int from, int to) {
        String text =
                Utf8.decodeReplacing(Arrays.copyOfRange(bytes, from, Math.min(to, from + 60)), Math.min(to - from, 60));
        StringBuilder shown = new StringBuilder("'");
        text.codePoints().forEach(c -> shown.appendCodePoint(Character.isISOControl(c) ? 0xFFFD : c));
        return shown.append(to - from > 60 ? "…'" : "'").toString();
    }
}
