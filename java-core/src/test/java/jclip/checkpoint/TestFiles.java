package jclip.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Small checkpoints made by the tests themselves. */
final class TestFiles {
    static final Architecture VIT = new Architecture(
            16,
            Activation.QUICK_GELU,
            new Architecture.Vit(16, 8, 64, 2, 1, 64, 96, Architecture.DEFAULT_EPS),
            new Architecture.Text(12, 40, 64, 2, 1, 64, 96, Architecture.Pool.ARGMAX, -1, Architecture.DEFAULT_EPS));
    static final Architecture RESNET = new Architecture(
            24,
            Activation.GELU,
            new Architecture.ResNet(64, 4, List.of(1, 2, 1, 1), 2, 64, 128, Architecture.DEFAULT_EPS),
            new Architecture.Text(12, 40, 32, 1, 4, 8, 128, Architecture.Pool.EOS, 7, Architecture.DEFAULT_EPS));

    private TestFiles() {}

    static void json(Path file, Map<String, ?> object) {
        write(file, Json.bytes(object));
    }

    static void write(Path file, byte[] bytes) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static float[] values(Checkpoint checkpoint, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(StoredTensor.elements(checkpoint.shape(name)) * Float.BYTES, 64);
            checkpoint.read(name, values);
            return values.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /** All canonical tensors as bits. */
    static Map<String, List<Integer>> allBits(Checkpoint checkpoint) {
        Map<String, List<Integer>> bits = new LinkedHashMap<>();
        for (String name : checkpoint.names()) {
            float[] values = values(checkpoint, name);
            bits.put(
                    name,
                    java.util.stream.IntStream.range(0, values.length)
                            .mapToObj(i -> Float.floatToRawIntBits(values[i]))
                            .toList());
        }
        return bits;
    }

    /** A zip as torch.save makes it: entries under archive/, stored. */
    static byte[] zip(Map<String, byte[]> entries, boolean deflated) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> content : entries.entrySet()) {
                ZipEntry entry = new ZipEntry("archive/" + content.getKey());
                if (!deflated) {
                    CRC32 crc = new CRC32();
                    crc.update(content.getValue());
                    entry.setMethod(ZipEntry.STORED);
                    entry.setSize(content.getValue().length);
                    entry.setCrc(crc.getValue());
                }
                zip.putNextEntry(entry);
                zip.write(content.getValue());
                zip.closeEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** The same entries, stored, with every size and offset in zip64 fields, as archives above 4 GB have. */
    static byte[] zip64(Map<String, byte[]> entries) {
        ByteBuffer out = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer directory = ByteBuffer.allocate(1 << 14).order(ByteOrder.LITTLE_ENDIAN);
        entries.forEach((key, content) -> {
            byte[] name = ("archive/" + key).getBytes(StandardCharsets.UTF_8);
            CRC32 crc = new CRC32();
            crc.update(content);
            long local = out.position();
            out.putInt(0x04034b50)
                    .putShort((short) 45)
                    .putLong(0)
                    .putInt((int) crc.getValue())
                    .putInt(-1)
                    .putInt(-1)
                    .putShort((short) name.length)
                    .putShort((short) 0)
                    .put(name)
                    .put(content);
            directory
                    .putInt(0x02014b50)
                    .putInt(45)
                    .putLong(0)
                    .putInt((int) crc.getValue())
                    .putInt(-1)
                    .putInt(-1)
                    .putShort((short) name.length)
                    .putShort((short) 28)
                    .putShort((short) 0)
                    .putShort((short) 0)
                    .putShort((short) 0)
                    .putInt(0)
                    .putInt(-1)
                    .put(name)
                    .putShort((short) 1)
                    .putShort((short) 24)
                    .putLong(content.length)
                    .putLong(content.length)
                    .putLong(local);
        });
        long begin = out.position();
        out.put(directory.flip());
        long end = out.position();
        out.putInt(0x06064b50)
                .putLong(44)
                .putInt(45)
                .putInt(0)
                .putInt(0)
                .putLong(entries.size())
                .putLong(entries.size())
                .putLong(end - begin)
                .putLong(begin);
        out.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
        out.putInt(0x06054b50).putInt(0).putInt(-1).putInt(-1).putInt(-1).putShort((short) 0);
        byte[] bytes = new byte[out.position()];
        out.flip().get(bytes);
        return bytes;
    }

    /** A state dict of fp32 tensors as torch.save would pickle it. */
    static byte[] torch(Map<String, float[]> tensors, Map<String, long[]> shapes, boolean training, boolean deflated) {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        PickleBytes pickle = new PickleBytes().op(0x80).op(2);
        if (training) {
            pickle.op('}').op('(').text("epoch").op('K').op(3).text("state_dict");
        }
        pickle.global("collections", "OrderedDict").op(')').op('R').op('(');
        int key = 0;
        for (String name : tensors.keySet()) {
            pickle.text(training ? "module." + name : name).tensor(key, tensors.get(name).length, shapes.get(name));
            entries.put("data/" + key++, little(tensors.get(name)));
        }
        pickle.op('u');
        // a state dict's _metadata is an attribute of the dictionary
        pickle.op('}')
                .op('(')
                .text("_metadata")
                .global("collections", "OrderedDict")
                .op(')')
                .op('R')
                .op('u')
                .op('b');
        if (training) {
            pickle.op('u');
        }
        Map<String, byte[]> all = new LinkedHashMap<>();
        all.put("data.pkl", pickle.op('.').bytes());
        all.put("byteorder", "little".getBytes(StandardCharsets.US_ASCII));
        all.putAll(entries);
        all.put("version", "3\n".getBytes(StandardCharsets.US_ASCII));
        return zip(all, deflated);
    }

    static byte[] torch(Checkpoint checkpoint, boolean training, boolean deflated) {
        Map<String, float[]> tensors = new LinkedHashMap<>();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        for (String name : checkpoint.names()) {
            tensors.put(name, values(checkpoint, name));
            shapes.put(name, checkpoint.shape(name));
        }
        return torch(tensors, shapes, training, deflated);
    }

    static byte[] little(float[] values) {
        ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            buffer.putFloat(value);
        }
        return buffer.array();
    }

    /** A safetensors file with this header as it stands. */
    static byte[] safetensors(String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }

    /** Assembles a pickle opcode by opcode. */
    static final class PickleBytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        PickleBytes op(int opcode) {
            out.write(opcode);
            return this;
        }

        PickleBytes text(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            return op('X').integer(bytes.length).raw(bytes);
        }

        PickleBytes number(long value) {
            return op('J').integer((int) value);
        }

        PickleBytes global(String module, String name) {
            return op('c').raw((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
        }

        PickleBytes tensor(int key, long elements, long[] shape) {
            global("torch._utils", "_rebuild_tensor_v2")
                    .op('(')
                    .op('(')
                    .text("storage")
                    .global("torch", "FloatStorage")
                    .text("" + key)
                    .text("cpu")
                    .number(elements)
                    .op('t')
                    .op('Q')
                    .number(0);
            for (long[] tuple : List.of(shape, StoredTensor.rowMajor(shape))) {
                op('(');
                for (long value : tuple) {
                    number(value);
                }
                op('t');
            }
            return op(0x89).global("collections", "OrderedDict")
                    .op(')')
                    .op('R')
                    .op('t')
                    .op('R');
        }

        PickleBytes raw(PickleBytes more) {
            return raw(more.bytes());
        }

        private PickleBytes integer(int value) {
            return raw(ByteBuffer.allocate(4)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(value)
                    .array());
        }

        private PickleBytes raw(byte[] bytes) {
            out.writeBytes(bytes);
            return this;
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }
}
