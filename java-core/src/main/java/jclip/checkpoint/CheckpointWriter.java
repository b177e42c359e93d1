package jclip.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import jclip.checkpoint.CheckpointException.Reason;
import org.jspecify.annotations.Nullable;

/** Writes a checkpoint folder under a temporary name beside the target, syncs it, renames it. */
final class CheckpointWriter {
    private static final List<String> VOCABULARY = List.of(
            "bpe_simple_vocab_16e6.txt.gz",
            "vocab.json",
            "merges.txt",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json");
    private static final Map<String, String> METADATA = Map.of("format", "pt");

    private final Checkpoint checkpoint;
    private final Layout layout;
    private final @Nullable DType dtype;

    private CheckpointWriter(Checkpoint checkpoint, Layout layout, @Nullable DType dtype) {
        this.checkpoint = checkpoint;
        this.layout = layout;
        this.dtype = dtype;
    }

    static void write(Checkpoint checkpoint, Path folder, Layout layout, @Nullable DType dtype) {
        if (layout != Layout.OPENCLIP && layout != Layout.HUGGINGFACE) {
            throw new IllegalArgumentException("cannot write layout " + layout + "; wanted OPENCLIP or HUGGINGFACE");
        }
        if (dtype != null && dtype != DType.F32 && dtype != DType.F16 && dtype != DType.BF16) {
            throw new IllegalArgumentException("cannot write weights as " + dtype + "; wanted F32, F16 or BF16");
        }
        new CheckpointWriter(checkpoint, layout, dtype)
                .write(folder.toAbsolutePath().normalize());
    }

    private void write(Path folder) {
        Map<String, Map<String, Object>> configs = configs();
        try {
            checkFree(folder);
            Path parent = Files.createDirectories(folder.getParent());
            Path temporary =
                    Files.createDirectory(parent.resolve("." + folder.getFileName() + ".tmp" + System.nanoTime()));
            try {
                SafetensorsWriter.write(
                        temporary.resolve(
                                layout == Layout.OPENCLIP ? "open_clip_model.safetensors" : "model.safetensors"),
                        items(),
                        METADATA);
                for (Map.Entry<String, Map<String, Object>> config : configs.entrySet()) {
                    writeBytes(temporary.resolve(config.getKey()), Json.bytes(config.getValue()));
                }
                copyVocabulary(temporary);
                SafetensorsWriter.sync(temporary);
                Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
                SafetensorsWriter.sync(parent);
            } finally {
                delete(temporary);
            }
        } catch (IOException e) {
            throw new CheckpointException(Reason.INPUT_OUTPUT, folder + ": cannot be written: " + e, e);
        }
    }

    private static void checkFree(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                if (files.findAny().isEmpty()) {
                    return;
                }
            }
        }
        throw Checkpoint.error(
                Reason.CANNOT_WRITE, folder, "exists already and is not an empty folder; choose another name");
    }

    private Map<String, Map<String, Object>> configs() {
        Map<String, Map<String, Object>> configs = new LinkedHashMap<>();
        if (layout == Layout.OPENCLIP) {
            configs.put(OpenClipConfig.FILE, OpenClipConfig.write(checkpoint.architecture(), checkpoint.preprocess()));
        } else {
            configs.put(
                    HuggingFaceConfig.FILE,
                    HuggingFaceConfig.write(checkpoint.architecture(), checkpoint.logitScale()));
            configs.put(HuggingFaceConfig.PREPROCESSOR, HuggingFaceConfig.write(checkpoint.preprocess()));
        }
        return configs;
    }

    private List<SafetensorsWriter.Item> items() {
        List<SafetensorsWriter.Item> items = new ArrayList<>();
        checkpoint.weights().forEach((name, weight) -> {
            long row = 0;
            for (Naming.Part part : Naming.parts(layout, name, weight.shape())) {
                DType type = dtype == null ? weight.dtype() : dtype;
                long begin = row;
                items.add(new SafetensorsWriter.Item(
                        part.name(),
                        type,
                        part.shape(),
                        allocator ->
                                part(values(name, weight, allocator), type, weight.shape(), part, begin, allocator)));
                row += part.transposed() ? 0 : StoredTensor.elements(part.shape()) * type.bytes();
            }
        });
        return items;
    }

    /** The whole canonical tensor in the type that it is written as. */
    private MemorySegment values(String name, Weight weight, SegmentAllocator allocator) {
        if (dtype == null || dtype == weight.dtype()) {
            return weight.raw(allocator);
        }
        long elements = StoredTensor.elements(weight.shape());
        MemorySegment floats = allocator.allocate(elements * Float.BYTES, 64);
        weight.read(floats);
        MemorySegment converted = allocator.allocate(elements * dtype.bytes(), 64);
        long overflow = FloatConversion.fromFloat(dtype, floats, converted, elements);
        if (overflow >= 0) {
            throw Checkpoint.error(
                    Reason.CANNOT_WRITE,
                    checkpoint.source(),
                    "element " + overflow + " of tensor '" + name + "' is too large for " + dtype
                            + "; write F32 or BF16");
        }
        return converted;
    }

    private static MemorySegment part(
            MemorySegment whole, DType type, long[] shape, Naming.Part part, long begin, SegmentAllocator allocator) {
        if (part.transposed()) {
            return StoredTensor.contiguous(type, shape, whole).transposed().values(allocator);
        }
        return whole.asSlice(begin, StoredTensor.elements(part.shape()) * type.bytes());
    }

    private void copyVocabulary(Path target) throws IOException {
        Path from = checkpoint.source().toAbsolutePath().getParent();
        for (String name : VOCABULARY) {
            Path file = from == null ? Path.of(name) : from.resolve(name);
            if (checkpoint.layout() != Layout.FORMULA && Files.isRegularFile(file)) {
                writeBytes(target.resolve(name), Files.readAllBytes(file));
            }
        }
    }

    private static void writeBytes(Path file, byte[] bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            SafetensorsWriter.writeFully(channel, ByteBuffer.wrap(bytes));
            channel.force(true);
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
