package jclip.tools;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import jclip.backend.Call;
import jclip.backend.Context;
import jclip.backend.Header;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.backend.NativeMemory;

/**
 * Runs an operator's line again on an instruction set: every pointer gets memory as its description says, inputs are seeded normal numbers
 * (integers as written), outputs are poisoned with NaN. The data depend on the line alone. Not for two threads at once.
 */
final class Replay implements AutoCloseable {
    private static final byte POISON = (byte) 0xff;
    private static final int LEAST = 3;
    private static final int MOST = 1000;
    private static final double SECONDS = 0.3;

    private final OperatorLine line;
    private final Context context;
    private final Call call;
    private final Map<String, NativeMemory> memory = new LinkedHashMap<>();
    private final List<NativeMemory> others = new ArrayList<>();
    private final Map<String, byte[]> overwritten = new LinkedHashMap<>();

    /**
     * Allocates and fills everything.
     *
     * @throws IllegalArgumentException if a description cannot be understood
     */
    Replay(OperatorLine line, Library library, Isa isa, int threads) {
        this.line = line;
        this.context = new Context(library, isa, threads);
        this.call = new Call(context, line.struct().operator());
        OperatorLine.written(line.struct()).forEach(this::set);
        long bytes = call.workspaceBytes();
        if (bytes > 0) {
            call.set("workspace", keep(bytes).segment().fill(POISON)).set("workspace_bytes", bytes);
        }
    }

    private void set(Header.Field field) {
        String value = line.value(field.name());
        switch (field.role()) {
            case INTEGER -> call.set(field.name(), Long.parseLong(value));
            case REAL -> call.set(field.name(), Double.parseDouble(value));
            default -> {
                if (!value.equals("-")) {
                    call.set(field.name(), pointer(field, value));
                }
            }
        }
    }

    private MemorySegment pointer(Header.Field field, String value) {
        if (value.startsWith("@")) {
            return alias(field, value.substring(1));
        }
        if (value.startsWith("gemm_pack:") || value.startsWith("conv2d_pack:")) {
            return packed(value);
        }
        if (value.indexOf('{') > 0) {
            return integers(field, value);
        }
        int colon = value.indexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException(field.name() + "=" + value + " describes no memory");
        }
        long elements = Long.parseLong(value.substring(colon + 1));
        boolean bytes = value.startsWith("u8:");
        MemorySegment segment = allocate(
                field, Math.multiplyExact(elements, value.startsWith("i64:") ? Long.BYTES : bytes ? 1 : Float.BYTES));
        if (field.role() == Header.Role.OUT) {
            return segment.fill(POISON);
        }
        if (!value.startsWith("f32:")) {
            return segment;
        }
        NormalNumbers.fill(segment, seed(field.name()));
        if (field.name().equals("variance")) {
            absolute(segment);
        }
        return segment;
    }

    /** An output in the place of an input: the input's values come back before each run. */
    private MemorySegment alias(Header.Field field, String name) {
        NativeMemory shared = memory.get(name);
        if (shared == null) {
            throw new IllegalArgumentException(field.name() + "=@" + name + ": no such memory before it");
        }
        overwritten.put(name, shared.segment().toArray(ValueLayout.JAVA_BYTE));
        return shared.segment();
    }

    private MemorySegment allocate(Header.Field field, long bytes) {
        NativeMemory block = NativeMemory.allocate(bytes);
        memory.put(field.name(), block);
        return block.segment().asSlice(0, bytes);
    }

    private NativeMemory keep(long bytes) {
        NativeMemory block = NativeMemory.allocate(bytes);
        others.add(block);
        return block;
    }

    private long seed(String name) {
        return 31L * line.struct().operator().hashCode() + name.hashCode();
    }

    private static void absolute(MemorySegment floats) {
        for (long i = 0; i < floats.byteSize() / Float.BYTES; i++) {
            floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, Math.abs(floats.getAtIndex(ValueLayout.JAVA_FLOAT, i)));
        }
    }

    private MemorySegment integers(Header.Field field, String value) {
        long[] values = line.integers(field.name());
        boolean wide = value.startsWith("i64");
        MemorySegment segment = allocate(field, (long) values.length * (wide ? Long.BYTES : Integer.BYTES));
        for (int i = 0; i < values.length; i++) {
            if (wide) {
                segment.setAtIndex(ValueLayout.JAVA_LONG, i, values[i]);
            } else {
                segment.setAtIndex(ValueLayout.JAVA_INT, i, Math.toIntExact(values[i]));
            }
        }
        return segment;
    }

    /** Weights are packed in the precision of the product that reads them. */
    private long precision() {
        boolean chosen =
                line.struct().fields().stream().anyMatch(field -> field.name().equals("precision"));
        return chosen ? line.integer("precision") : 0;
    }

    /** Weights scaled so that outputs keep the size of inputs, packed under this instruction set. */
    private MemorySegment packed(String value) {
        long[] sizes = Arrays.stream(value.substring(value.indexOf(':') + 1).split("x"))
                .mapToLong(Long::parseLong)
                .toArray();
        boolean convolution = value.startsWith("conv2d");
        if (sizes.length != (convolution ? 3 : 2)) {
            throw new IllegalArgumentException(value + " describes no packed weights");
        }
        long fanIn = convolution ? sizes[1] * sizes[2] * sizes[2] : sizes[1];
        MemorySegment weights =
                keep(Math.multiplyExact(sizes[0], fanIn) * Float.BYTES).segment();
        NormalNumbers.fill(weights, seed("packed"));
        for (long i = 0; i < sizes[0] * fanIn; i++) {
            weights.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float)
                    (weights.getAtIndex(ValueLayout.JAVA_FLOAT, i) / Math.sqrt(fanIn)));
        }
        Library library = context.library();
        long bytes = convolution
                ? library.packedConvolutionBytes(context, sizes[0], sizes[1], sizes[2])
                : library.packedGemmBytes(context, sizes[0], sizes[1]);
        MemorySegment packed = keep(bytes).segment();
        try (Call pack = new Call(context, convolution ? "conv2d_pack" : "gemm_pack")) {
            pack.set("w", weights).set("packed", packed);
            if (convolution) {
                pack.set("out_channels", sizes[0]).set("channels", sizes[1]).set("kernel", sizes[2]);
            } else {
                pack.set("n", sizes[0])
                        .set("k", sizes[1])
                        .set("stride_n", sizes[1])
                        .set("stride_k", 1L)
                        .set("precision", precision());
            }
            pack.run();
        }
        return packed;
    }

    /** Runs once; seconds. */
    double run() {
        overwritten.forEach((name, bytes) -> MemorySegment.copy(
                bytes, 0, Objects.requireNonNull(memory.get(name)).segment(), ValueLayout.JAVA_BYTE, 0, bytes.length));
        long start = System.nanoTime();
        call.run();
        return (System.nanoTime() - start) / 1e9;
    }

    /** Median seconds of many runs. */
    double median() {
        double[] seconds = new double[MOST];
        int count = 0;
        for (double sum = 0; count < LEAST || count < MOST && sum < SECONDS; sum += seconds[count++]) {
            seconds[count] = run();
        }
        double[] sorted = Arrays.copyOf(seconds, count);
        Arrays.sort(sorted);
        return sorted[count / 2];
    }

    /** Bytes of all arguments, those in place counted twice: what is read and written once. */
    long bytes() {
        long sum = 0;
        for (NativeMemory block : memory.values()) {
            sum += block.segment().byteSize();
        }
        for (byte[] shared : overwritten.values()) {
            sum += shared.length;
        }
        return sum;
    }

    /** Values of each float output by name. */
    Map<String, float[]> outputs() {
        Map<String, float[]> outputs = new LinkedHashMap<>();
        OperatorLine.written(line.struct())
                .filter(field -> field.role() == Header.Role.OUT || field.role() == Header.Role.INOUT)
                .filter(field -> field.element().equals("float") && !line.isNull(field.name()))
                .forEach(field -> {
                    String value = line.value(field.name());
                    NativeMemory block = memory.get(value.startsWith("@") ? value.substring(1) : field.name());
                    outputs.put(
                            field.name(),
                            Objects.requireNonNull(block).segment().toArray(ValueLayout.JAVA_FLOAT));
                });
        return outputs;
    }

    @Override
    public void close() {
        memory.values().forEach(NativeMemory::close);
        others.forEach(NativeMemory::close);
        call.close();
        context.close();
    }
}
