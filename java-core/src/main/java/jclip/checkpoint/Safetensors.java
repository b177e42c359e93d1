package jclip.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * A memory-mapped safetensors file: eight bytes of header length, a JSON header, then the values. As strict as the
 * reference library (safetensors 0.8): no duplicate names, holes, overlaps or trailing bytes. The file must not be
 * shortened while it is open.
 *
 * <p>Safe for many threads; {@link #close} must come after the last use of a view.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the format</a>
 */
public final class Safetensors extends TensorFile {
    private static final long HEADER_LIMIT = 100_000_000;
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final SequencedMap<String, StoredTensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Entry(String name, DType dtype, long[] shape, long begin, long end) {}

    private Safetensors(Path file) {
        super(file);
        this.file = file;
    }

    /**
     * Opens a file and checks its header whole; the values are not touched.
     *
     * @throws CheckpointException if it is not a sound safetensors file
     */
    public static Safetensors open(Path file) {
        Safetensors opened = new Safetensors(file);
        try {
            opened.parse(Mapping.map(file, opened.arena()));
            return opened;
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    /**
     * Writes a file of tensors, which appears whole or not at all (temporary file, sync, rename).
     *
     * @param file replaced if it exists
     * @param tensors by name; their data must be contiguous, row-major and little endian
     * @param metadata strings for the header's {@code __metadata__}
     * @throws CheckpointException if the disk fails
     */
    public static void write(Path file, SequencedMap<String, TensorView> tensors, Map<String, String> metadata) {
        List<SafetensorsWriter.Item> items = new ArrayList<>();
        tensors.forEach((name, view) -> {
            long[] shape = view.shape().stream().mapToLong(Long::longValue).toArray();
            if (view.data().byteSize()
                    != StoredTensor.elements(shape) * view.dtype().bytes()) {
                throw new IllegalArgumentException("tensor '" + name + "' of shape " + view.shape() + " and dtype "
                        + view.dtype() + " has " + view.data().byteSize() + " bytes");
            }
            items.add(new SafetensorsWriter.Item(name, view.dtype(), shape, allocator -> view.data()));
        });
        SafetensorsWriter.replace(file, items, metadata);
    }

    /** Returns the header's {@code __metadata__}, empty if there is none. */
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    @Override
    SequencedMap<String, StoredTensor> stored() {
        return Collections.unmodifiableSequencedMap(tensors);
    }

    private void parse(MemorySegment bytes) {
        if (bytes.byteSize() < 8) {
            throw corrupt((bytes.byteSize() == 0
                            ? "the file is empty"
                            : "the file is too short: " + bytes.byteSize() + " bytes")
                    + "; a safetensors file begins with 8 bytes of header length");
        }
        long length = bytes.get(LENGTH, 0);
        if (length < 2 || length > Math.min(HEADER_LIMIT, bytes.byteSize() - 8)) {
            throw corrupt("header length " + Long.toUnsignedString(length) + " is impossible: the file size is "
                    + bytes.byteSize() + " bytes, the limit " + HEADER_LIMIT + "; not a safetensors file"
                    + Mapping.guess(bytes));
        }
        if (bytes.get(ValueLayout.JAVA_BYTE, 8) != '{') {
            throw corrupt("the header must begin with '{' (JSON object)");
        }
        List<Entry> entries = header(bytes.asSlice(8, length));
        MemorySegment data = bytes.asSlice(8 + length);
        checkLayout(entries, data.byteSize());
        for (Entry entry : entries) {
            tensors.put(
                    entry.name,
                    StoredTensor.contiguous(
                            entry.dtype, entry.shape, data.asSlice(entry.begin, entry.end - entry.begin)));
        }
    }

    private List<Entry> header(MemorySegment bytes) {
        List<Entry> entries = new ArrayList<>();
        try (JsonParser parser = Json.parser(Mapping.stream(bytes))) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                if (parser.nextToken() != JsonToken.START_OBJECT) {
                    throw corrupt((name.equals("__metadata__") ? "__metadata__" : "tensor '" + name + "'")
                            + " is described by " + parser.currentToken() + "; wanted an object");
                }
                if (name.equals("__metadata__")) {
                    readMetadata(parser);
                } else {
                    entries.add(readEntry(parser, name));
                }
            }
            if (parser.nextToken() != null) {
                throw corrupt("the header holds more than one JSON value");
            }
        } catch (IOException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.CORRUPT_FILE, file + ": the header " + Json.complaint(e), e);
        }
        return entries;
    }

    private void readMetadata(JsonParser parser) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            if (parser.nextToken() != JsonToken.VALUE_STRING) {
                throw corrupt("__metadata__ '" + key + "' is " + parser.currentToken() + "; wanted a string");
            }
            metadata.put(key, parser.getText());
        }
    }

    private Entry readEntry(JsonParser parser, String name) throws IOException {
        DType dtype = null;
        long[] shape = null;
        long[] offsets = null;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            parser.nextToken();
            switch (key) {
                case "dtype" -> dtype = readType(parser, name);
                case "shape" -> shape = readIntegers(parser, name, "shape");
                case "data_offsets" -> offsets = readIntegers(parser, name, "data_offsets");
                default -> parser.skipChildren();
            }
        }
        return entry(name, dtype, shape, offsets);
    }

    private Entry entry(String name, @Nullable DType dtype, long @Nullable [] shape, long @Nullable [] offsets) {
        if (dtype == null || shape == null || offsets == null) {
            throw corrupt("tensor '" + name + "' has no "
                    + (dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets"));
        }
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw corrupt("tensor '" + name + "' has data_offsets " + StoredTensor.text(offsets)
                    + "; wanted two offsets [begin, end] with begin <= end");
        }
        long bytes;
        try {
            bytes = Math.multiplyExact(StoredTensor.elements(shape), (long) dtype.bytes());
        } catch (ArithmeticException e) {
            throw corrupt("tensor '" + name + "' has shape " + StoredTensor.text(shape)
                    + ", whose number of elements overflows 64 bits");
        }
        if (bytes != offsets[1] - offsets[0]) {
            throw corrupt("tensor '" + name + "': dtype " + dtype + " and shape " + StoredTensor.text(shape) + " need "
                    + bytes + " bytes, its data_offsets hold " + (offsets[1] - offsets[0]) + " bytes");
        }
        return new Entry(name, dtype, shape, offsets[0], offsets[1]);
    }

    private DType readType(JsonParser parser, String name) throws IOException {
        String text = parser.currentToken() == JsonToken.VALUE_STRING ? parser.getText() : parser.currentToken() + "";
        return DType.named(text)
                .orElseThrow(() -> corrupt(
                        "tensor '" + name + "' has dtype '" + text + "'; known are " + List.of(DType.values())));
    }

    private long[] readIntegers(JsonParser parser, String name, String key) throws IOException {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw corrupt("tensor '" + name + "': " + key + " is " + parser.currentToken() + "; wanted a list");
        }
        long[] values = new long[8];
        int count = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT || count == values.length) {
                throw corrupt(
                        "tensor '" + name + "': " + key + " holds " + parser.getText() + "; wanted at most 8 integers");
            }
            long value = parser.getLongValue();
            if (value < 0) {
                throw corrupt("tensor '" + name + "': " + key + " holds the negative number " + value);
            }
            values[count++] = value;
        }
        return java.util.Arrays.copyOf(values, count);
    }

    private void checkLayout(List<Entry> entries, long size) {
        List<Entry> sorted = new ArrayList<>(entries);
        sorted.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long position = 0;
        for (Entry entry : sorted) {
            if (entry.end > size) {
                throw corrupt("tensor '" + entry.name + "' ends at offset " + entry.end + " of the data, which is only "
                        + size + " bytes long (file size - header): the file was cut off or its header is wrong");
            }
            if (entry.begin != position) {
                throw corrupt("tensor '" + entry.name + "' begins at offset " + entry.begin
                        + (entry.begin < position
                                ? ": it overlaps the tensor before it, which ends at "
                                : ": a hole of unused bytes lies before it, from ")
                        + position);
            }
            position = entry.end;
        }
        if (position != size) {
            throw corrupt((size - position) + " trailing bytes follow the last tensor (file size " + file.getFileName()
                    + ": data should end at " + position + ", ends at " + size + ")");
        }
    }

    private CheckpointException corrupt(String what) {
        return CheckpointException.corrupt(file, what);
    }
}
