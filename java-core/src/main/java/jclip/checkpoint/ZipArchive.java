package jclip.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The central directory of a memory-mapped zip file. Nothing is extracted: stored entries are slices of the map,
 * deflated ones are inflated on demand into exactly their declared size, within a budget for the whole archive.
 *
 * <p>Written for this because {@code java.util.zip} cannot give an entry's place in the file.
 */
final class ZipArchive {
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int END_SIZE = 22;
    private static final int CENTRAL_SIZE = 46;
    private static final int LOCAL_SIZE = 30;
    /** Deflate cannot shrink more than this. */
    private static final long BEST_RATIO = 1032;
    /** What all inflated entries together may take: this many times the file, plus a floor for small files. */
    private static final long BUDGET_RATIO = 64;

    private static final long BUDGET_FLOOR = 16L << 20;

    private final Path file;
    private final MemorySegment bytes;
    private final SequencedMap<String, Entry> entries = new LinkedHashMap<>();
    private long budget;

    /** An entry: compressed bytes are at {@code [begin, begin + compressed)}. */
    record Entry(String name, boolean deflated, int crc, long begin, long compressed, long size) {}

    private record Directory(long begin, long size, long count) {}

    private ZipArchive(Path file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
        this.budget = BUDGET_FLOOR + BUDGET_RATIO * Math.min(bytes.byteSize(), Long.MAX_VALUE / 128);
    }

    static ZipArchive of(Path file, MemorySegment bytes) {
        ZipArchive archive = new ZipArchive(file, bytes);
        archive.readDirectory();
        return archive;
    }

    SequencedMap<String, Entry> entries() {
        return entries;
    }

    /** The entry's bytes in place, or inflated into {@code arena}. */
    MemorySegment content(Entry entry, Arena arena) {
        MemorySegment raw = bytes.asSlice(entry.begin, entry.compressed);
        return entry.deflated ? inflate(entry, raw, arena) : raw;
    }

    /** Like {@link #content}, and the checksum must be right. */
    MemorySegment checkedContent(Entry entry, Arena arena) {
        MemorySegment content = content(entry, arena);
        if (!entry.deflated) {
            checkSum(entry, content);
        }
        return content;
    }

    private void readDirectory() {
        Directory directory = findDirectory();
        long position = directory.begin;
        long end = directory.begin + directory.size;
        for (long i = 0; i < directory.count; i++) {
            if (end - position < CENTRAL_SIZE || u32(position) != 0x02014b50L) {
                throw corrupt("the central directory announces " + directory.count + " entries but entry " + i
                        + " is not there");
            }
            int nameLength = u16(position + 28);
            int extraLength = u16(position + 30);
            long next = position + CENTRAL_SIZE + nameLength + extraLength + u16(position + 32);
            if (next > end) {
                throw corrupt("entry " + i + " of the central directory goes beyond its end");
            }
            Entry entry = readEntry(position, nameLength, extraLength, directory.begin);
            if (entries.putIfAbsent(entry.name, entry) != null) {
                throw corrupt("duplicate entry '" + entry.name + "'");
            }
            position = next;
        }
        if (position != end) {
            throw corrupt("the central directory has " + (end - position) + " bytes too many");
        }
    }

    private Directory findDirectory() {
        long size = bytes.byteSize();
        for (long at = size - END_SIZE; at >= 0 && at >= size - END_SIZE - 0xffff; at--) {
            if (u32(at) == 0x06054b50L && at + END_SIZE + u16(at + 20) == size) {
                return directory(at);
            }
        }
        throw corrupt("the zip file has no end of central directory: it was cut off");
    }

    private Directory directory(long end) {
        long count = u16(end + 10);
        long size = u32(end + 12);
        long begin = u32(end + 16);
        long limit = end;
        boolean wide = count == 0xffff || size == 0xffffffffL || begin == 0xffffffffL;
        if (wide && end >= 20 && u32(end - 20) == 0x07064b50L) {
            long at = bytes.get(U64, end - 12);
            if (at < 0 || at > end - 20 - 56 || u32(at) != 0x06064b50L) {
                throw corrupt("the zip64 end of central directory is not where it is announced");
            }
            count = bytes.get(U64, at + 32);
            size = bytes.get(U64, at + 40);
            begin = bytes.get(U64, at + 48);
            limit = at;
        }
        if (count < 0
                || size < 0
                || begin < 0
                || begin > limit
                || size > limit - begin
                || count > size / CENTRAL_SIZE) {
            throw corrupt("the central directory is announced at " + begin + " with " + count + " entries in " + size
                    + " bytes, which does not fit the file size " + bytes.byteSize());
        }
        return new Directory(begin, size, count);
    }

    private Entry readEntry(long at, int nameLength, int extraLength, long dataEnd) {
        String name = new String(
                bytes.asSlice(at + CENTRAL_SIZE, nameLength).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        long[] fields = {u32(at + 24), u32(at + 20), u32(at + 42)};
        widen(name, fields, at + CENTRAL_SIZE + nameLength, extraLength);
        int method = u16(at + 10);
        if ((u16(at + 8) & 1) != 0 || (method != 0 && method != 8)) {
            throw new CheckpointException(
                    CheckpointException.Reason.UNSUPPORTED_FORMAT,
                    file + ": zip entry '" + name + "' is encrypted or compressed by method " + method
                            + "; only stored and deflated can be read");
        }
        long size = fields[0];
        long compressed = fields[1];
        long begin = dataBegin(name, fields[2], method, dataEnd);
        if (compressed < 0 || size < 0 || compressed > dataEnd - begin) {
            throw corrupt("zip entry '" + name + "' announces " + compressed + " bytes at " + begin
                    + ", which does not fit the file");
        }
        if (method == 0 ? size != compressed : size / BEST_RATIO > compressed) {
            throw corrupt("zip entry '" + name + "' (storage) declares a size of " + size + " bytes, impossible from "
                    + compressed + " stored bytes");
        }
        return new Entry(name, method == 8, bytes.get(U32, at + 16), begin, compressed, size);
    }

    /** Replaces fields of 0xffffffff by those of the zip64 extra field, in the order size, compressed, offset. */
    private void widen(String name, long[] fields, long extra, int extraLength) {
        long position = extra;
        long end = extra + extraLength;
        while (end - position >= 4) {
            int tag = u16(position);
            long length = u16(position + 2);
            position += 4;
            if (length > end - position) {
                return;
            }
            if (tag == 1) {
                long at = position;
                for (int i = 0; i < fields.length; i++) {
                    if (fields[i] == 0xffffffffL) {
                        if (position + length - at < 8) {
                            throw corrupt("zip entry '" + name + "' has a zip64 field that is too short");
                        }
                        fields[i] = bytes.get(U64, at);
                        at += 8;
                    }
                }
                return;
            }
            position += length;
        }
    }

    private long dataBegin(String name, long local, int method, long dataEnd) {
        if (local < 0 || local > dataEnd - LOCAL_SIZE || u32(local) != 0x04034b50L) {
            throw corrupt("the central directory says that zip entry '" + name + "' is at " + local
                    + ", where no entry begins");
        }
        int nameLength = u16(local + 26);
        long begin = local + LOCAL_SIZE + nameLength + u16(local + 28);
        if (begin > dataEnd
                || u16(local + 8) != method
                || !name.equals(new String(
                        bytes.asSlice(local + LOCAL_SIZE, nameLength).toArray(ValueLayout.JAVA_BYTE),
                        StandardCharsets.UTF_8))) {
            throw corrupt("zip entry '" + name + "': its own header and the central directory disagree");
        }
        return begin;
    }

    private MemorySegment inflate(Entry entry, MemorySegment raw, Arena arena) {
        if (entry.size > budget) {
            throw corrupt("zip entry '" + entry.name + "' is too large: " + entry.size
                    + " bytes when inflated, more than is allowed for a file of " + bytes.byteSize() + " bytes");
        }
        budget -= entry.size;
        MemorySegment target = arena.allocate(entry.size, 64);
        byte[] in = new byte[1 << 16];
        byte[] out = new byte[1 << 16];
        try (Inflater inflater = new Inflater(true)) {
            long read = 0;
            long written = 0;
            while (!inflater.finished()) {
                if (inflater.needsInput()) {
                    int count = (int) Math.min(in.length, raw.byteSize() - read);
                    if (count == 0 || inflater.needsDictionary()) {
                        throw corrupt("the compressed data of zip entry '" + entry.name + "' are cut off");
                    }
                    MemorySegment.copy(raw, ValueLayout.JAVA_BYTE, read, in, 0, count);
                    inflater.setInput(in, 0, count);
                    read += count;
                }
                int count = inflater.inflate(out);
                if (count > entry.size - written) {
                    throw corrupt(
                            "zip entry '" + entry.name + "' holds more than the declared " + entry.size + " bytes");
                }
                MemorySegment.copy(out, 0, target, ValueLayout.JAVA_BYTE, written, count);
                written += count;
            }
            if (written != entry.size) {
                throw corrupt("zip entry '" + entry.name + "' holds " + written + " bytes, declared are " + entry.size);
            }
        } catch (DataFormatException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.CORRUPT_FILE,
                    file + ": the compressed data of zip entry '" + entry.name + "' are damaged: " + e.getMessage(),
                    e);
        }
        checkSum(entry, target);
        return target;
    }

    private void checkSum(Entry entry, MemorySegment content) {
        CRC32 crc = new CRC32();
        long step = 1L << 20;
        for (long at = 0; at < content.byteSize(); at += step) {
            crc.update(
                    content.asSlice(at, Math.min(step, content.byteSize() - at)).asByteBuffer());
        }
        if ((int) crc.getValue() != entry.crc) {
            throw corrupt("zip entry '" + entry.name + "' has a wrong checksum (CRC-32)");
        }
    }

    private int u16(long at) {
        return bytes.get(U16, at) & 0xffff;
    }

    private long u32(long at) {
        return bytes.get(U32, at) & 0xffffffffL;
    }

    private CheckpointException corrupt(String what) {
        return CheckpointException.corrupt(file, what);
    }
}
