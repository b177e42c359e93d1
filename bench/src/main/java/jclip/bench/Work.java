package jclip.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import jclip.backend.Call;
import jclip.backend.Context;
import jclip.backend.NativeMemory;

/** One operator with its buffers, and what is to be done after it, ready to be run again and again. Not for two threads at once. */
final class Work implements AutoCloseable {
    private final Context context;
    private final Call call;
    private final List<NativeMemory> blocks = new ArrayList<>();
    private final List<Work> later = new ArrayList<>();

    Work(Context context, String operator) {
        this.context = context;
        this.call = new Call(context, operator);
    }

    Context context() {
        return context;
    }

    Work set(String field, long value) {
        call.set(field, value);
        return this;
    }

    Work set(String field, double value) {
        call.set(field, value);
        return this;
    }

    Work set(String field, MemorySegment pointer) {
        call.set(field, pointer);
        return this;
    }

    /** Memory of this work, zeroed, page-aligned. */
    MemorySegment bytes(long count) {
        NativeMemory block = NativeMemory.allocate(count);
        blocks.add(block);
        return block.segment();
    }

    /** Floats in [-0.5, 0.5), always the same. */
    MemorySegment floats(long count) {
        MemorySegment segment = bytes(count * Float.BYTES);
        for (long i = 0; i < count; i++) {
            segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (i * 2654435761L % 1000 + 1000) % 1000 * 1e-3f - 0.5f);
        }
        return segment;
    }

    MemorySegment ints(int[] values) {
        MemorySegment segment = bytes((long) values.length * Integer.BYTES);
        MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_INT, 0, values.length);
        return segment;
    }

    /** Weights [n, k] as the operators want them. */
    MemorySegment packedGemm(long n, long k) {
        MemorySegment packed = bytes(context.library().packedGemmBytes(context, n, k));
        try (Work pack = new Work(context, "gemm_pack")) {
            pack.set("w", pack.floats(n * k)).set("packed", packed);
            pack.set("n", n).set("k", k).set("stride_n", k).set("stride_k", 1).run();
        }
        return packed;
    }

    /** Weights [out, channels, kernel, kernel] as the operator wants them. */
    MemorySegment packedConvolution(long out, long channels, long kernel) {
        MemorySegment packed = bytes(context.library().packedConvolutionBytes(context, out, channels, kernel));
        try (Work pack = new Work(context, "conv2d_pack")) {
            pack.set("w", pack.floats(out * channels * kernel * kernel)).set("packed", packed);
            pack.set("out_channels", out)
                    .set("channels", channels)
                    .set("kernel", kernel)
                    .run();
        }
        return packed;
    }

    /** Gives the operator the scratch memory that the arguments set so far want. */
    Work withWorkspace() {
        long size = call.workspaceBytes();
        return set("workspace", bytes(size)).set("workspace_bytes", size);
    }

    /** Makes another work the end of this one; it is closed with it. */
    Work then(Work next) {
        later.add(next);
        return this;
    }

    void run() {
        call.run();
        later.forEach(Work::run);
    }

    @Override
    public void close() {
        later.forEach(Work::close);
        call.close();
        blocks.forEach(NativeMemory::close);
    }
}
