package jclip.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import jclip.backend.Call;
import jclip.backend.Context;
import jclip.backend.NativeMemory;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.PositionGrid;
import jclip.graph.Parameter;

/**
 * All parameters of a model in one block of native memory, in the forms that its operators want: packed matrices, batch normalisations
 * folded in double precision, position grids resized. Filled tensor by tensor, the checkpoint's pages given back behind.
 */
final class Weights implements AutoCloseable {
    private static final long ALIGNMENT = 64;

    private final Map<Parameter, Long> offsets = new LinkedHashMap<>();
    private final NativeMemory memory;

    private Weights(List<Parameter> parameters, Context context) {
        long next = 0;
        for (Parameter parameter : parameters) {
            offsets.put(parameter, next);
            next = Math.ceilDiv(Math.addExact(next, bytes(parameter, context)), ALIGNMENT) * ALIGNMENT;
        }
        this.memory = NativeMemory.allocate(next);
    }

    /**
     * Reads and packs, on as many threads as the pool has.
     *
     * @param context of the instruction set for which is packed
     * @param batchNormEpsilon of the batch normalisations that are folded
     */
    static Weights load(List<Parameter> parameters, Checkpoint checkpoint, Context context, double batchNormEpsilon) {
        Weights weights = new Weights(parameters, context);
        try {
            weights.fill(checkpoint, context, batchNormEpsilon);
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
        return weights;
    }

    /** Source by source, so that each is read once and its pages can go at once; every thread takes the next one. */
    private void fill(Checkpoint checkpoint, Context context, double epsilon) {
        Map<String, List<Parameter>> bySource = new LinkedHashMap<>();
        for (Parameter parameter : offsets.keySet()) {
            bySource.computeIfAbsent(parameter.name(), name -> new ArrayList<>())
                    .add(parameter);
        }
        List<List<Parameter>> sources = List.copyOf(bySource.values());
        AtomicInteger next = new AtomicInteger();
        int threads = Math.min(context.library().threads(), sources.size());
        List<Future<?>> running = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            for (int i = 0; i < threads; i++) {
                running.add(executor.submit(() -> {
                    try (Loader loader = new Loader(this, checkpoint, context, epsilon)) {
                        for (int at; (at = next.getAndIncrement()) < sources.size(); ) {
                            loader.load(sources.get(at));
                        }
                    } catch (RuntimeException | Error e) {
                        next.set(sources.size()); // the others need not go on
                        throw e;
                    }
                }));
            }
        }
        for (Future<?> each : running) {
            rethrow(each);
        }
    }

    private static void rethrow(Future<?> done) {
        if (done.state() == Future.State.FAILED) {
            switch (done.exceptionNow()) {
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }
    }

    private static long bytes(Parameter parameter, Context context) {
        List<Long> shape = parameter.shape();
        return switch (parameter.form()) {
            case PLAIN, FOLDED_BIAS, GRADIENT -> elements(parameter) * Float.BYTES;
            case GEMM, GEMM_TRANSPOSED -> context.library().packedGemmBytes(context, shape.get(0), shape.get(1));
            case CONVOLUTION ->
                context.library().packedConvolutionBytes(context, shape.get(0), shape.get(1), shape.get(2));
        };
    }

    private static long elements(Parameter parameter) {
        return parameter.shape().stream().reduce(1L, Math::multiplyExact);
    }

    /** Bytes of all parameters. */
    long bytes() {
        return memory.segment().byteSize();
    }

    /** Address of a parameter. */
    long address(Parameter parameter) {
        return memory.segment().address() + Objects.requireNonNull(offsets.get(parameter), parameter::toString);
    }

    @Override
    public void close() {
        memory.close();
    }

    /** One thread's reading: a context and a block of scratch memory that grows to the largest tensor read so far. */
    private static final class Loader implements AutoCloseable {
        private final Weights weights;
        private final Checkpoint checkpoint;
        private final Context context;
        private final double epsilon;
        private NativeMemory scratch = NativeMemory.allocate(1);

        Loader(Weights weights, Checkpoint checkpoint, Context from, double epsilon) {
            this.weights = weights;
            this.checkpoint = checkpoint;
            this.context = new Context(from.library(), from.isa(), 1);
            this.epsilon = epsilon;
        }

        @Override
        public void close() {
            scratch.close();
            context.close();
        }

        /** All parameters that come from one tensor of the checkpoint. */
        void load(List<Parameter> parameters) {
            Parameter first = parameters.getFirst();
            String source = first.name();
            if (first.form() == Parameter.Form.FOLDED_BIAS) {
                foldBias(first);
                return;
            }
            if (parameters.size() == 1 && first.form() == Parameter.Form.PLAIN && whole(first)) {
                checkpoint.read(source, destination(first));
                checkpoint.release(source);
                return;
            }
            MemorySegment values = scratch(sourceElements(source) * Float.BYTES);
            checkpoint.read(source, values);
            checkpoint.release(source);
            for (Parameter parameter : parameters) {
                place(parameter, values);
            }
        }

        private MemorySegment scratch(long bytes) {
            if (scratch.segment().byteSize() < bytes) {
                scratch.close();
                scratch = NativeMemory.allocate(bytes);
            }
            return scratch.segment().asSlice(0, bytes);
        }

        private boolean whole(Parameter parameter) {
            return sourceElements(parameter.name()) == elements(parameter);
        }

        private long sourceElements(String source) {
            long product = 1;
            for (long size : checkpoint.shape(source)) {
                product = Math.multiplyExact(product, size);
            }
            return product;
        }

        private MemorySegment destination(Parameter parameter) {
            long offset = Objects.requireNonNull(weights.offsets.get(parameter));
            return weights.memory.segment().asSlice(offset, Weights.bytes(parameter, context));
        }

        private void place(Parameter parameter, MemorySegment source) {
            MemorySegment to = destination(parameter);
            switch (parameter.form()) {
                case PLAIN -> placePlain(parameter, source, to);
                case GEMM, GEMM_TRANSPOSED -> packGemm(parameter, source, to);
                case CONVOLUTION -> packConvolution(parameter, source, to);
                case FOLDED_BIAS -> throw new IllegalStateException("folded biases have no source of their own");
            }
        }

        private void placePlain(Parameter parameter, MemorySegment source, MemorySegment to) {
            boolean grid = parameter.name().endsWith("positional_embedding")
                    && parameter.name().startsWith("visual.");
            if (grid && !whole(parameter)) {
                placeResized(
                        source,
                        to,
                        Math.toIntExact(parameter.shape().get(1)),
                        side(parameter.shape().get(0)));
            } else {
                MemorySegment.copy(source, parameter.firstRow() * Float.BYTES, to, 0, to.byteSize());
            }
        }

        /** The class token's row stays as it is, the grid behind it is resized. */
        private static void placeResized(MemorySegment source, MemorySegment to, int width, int newSide) {
            float[] table = source.toArray(ValueLayout.JAVA_FLOAT);
            float[] resized = PositionGrid.resize(
                    Arrays.copyOfRange(table, width, table.length), side(table.length / width), newSide, width);
            MemorySegment.copy(table, 0, to, ValueLayout.JAVA_FLOAT, 0, width);
            MemorySegment.copy(resized, 0, to, ValueLayout.JAVA_FLOAT, (long) width * Float.BYTES, resized.length);
        }

        /** Side of the grid in a table of 1 + side^2 positions. */
        private static int side(long positions) {
            return (int) Math.round(Math.sqrt((double) positions - 1));
        }

        private void packGemm(Parameter parameter, MemorySegment source, MemorySegment to) {
            long n = parameter.shape().get(0);
            long k = parameter.shape().get(1);
            boolean transposed = parameter.form() == Parameter.Form.GEMM_TRANSPOSED;
            fold(parameter, source, n, k);
            try (Call pack = new Call(context, "gemm_pack")) {
                pack.set("w", source.asSlice(transposed ? 0 : parameter.firstRow() * k * Float.BYTES))
                        .set("packed", to)
                        .set("n", n)
                        .set("k", k)
                        .set("stride_n", transposed ? 1 : k)
                        .set("stride_k", transposed ? n : 1)
                        .run();
            }
        }

        private void packConvolution(Parameter parameter, MemorySegment source, MemorySegment to) {
            List<Long> shape = parameter.shape();
            fold(parameter, source, shape.get(0), shape.get(1) * shape.get(2) * shape.get(3));
            try (Call pack = new Call(context, "conv2d_pack")) {
                pack.set("w", source)
                        .set("packed", to)
                        .set("out_channels", shape.get(0))
                        .set("channels", shape.get(1))
                        .set("kernel", shape.get(2))
                        .run();
            }
        }

        /** Rows of the matrix times weight / sqrt(variance + epsilon) of their channel. */
        private void fold(Parameter parameter, MemorySegment matrix, long rows, long columns) {
            String norm = parameter.batchNorm();
            if (norm == null) {
                return;
            }
            double[] scale = scale(norm);
            for (long row = 0; row < rows; row++) {
                for (long i = row * columns; i < (row + 1) * columns; i++) {
                    float value = matrix.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    matrix.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (value * scale[(int) row]));
                }
            }
        }

        private void foldBias(Parameter parameter) {
            String norm = parameter.name();
            double[] scale = scale(norm);
            float[] bias = vector(norm + ".bias");
            float[] mean = vector(norm + ".running_mean");
            MemorySegment to = destination(parameter);
            for (int i = 0; i < scale.length; i++) {
                to.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (bias[i] - mean[i] * scale[i]));
            }
        }

        private double[] scale(String norm) {
            float[] weight = vector(norm + ".weight");
            float[] variance = vector(norm + ".running_var");
            double[] scale = new double[weight.length];
            for (int i = 0; i < scale.length; i++) {
                scale[i] = weight[i] / Math.sqrt(variance[i] + epsilon);
            }
            return scale;
        }

        private float[] vector(String name) {
            float[] values = new float[Math.toIntExact(sourceElements(name))];
            try (NativeMemory scratch = NativeMemory.allocate((long) values.length * Float.BYTES)) {
                checkpoint.read(name, scratch.segment());
                MemorySegment.copy(scratch.segment(), ValueLayout.JAVA_FLOAT, 0, values, 0, values.length);
            }
            return values;
        }
    }
}
