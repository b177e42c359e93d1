package jclip.model;

import java.lang.foreign.MemorySegment;
import jclip.backend.Context;
import jclip.backend.NativeMemory;
import jclip.graph.Plan;
import jclip.graph.Program;
import jclip.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One caller's place in a model: a context, an arena as large as the largest shape wants (untouched pages cost nothing), and the programs
 * bound to it so far. Used by one thread at a time; a program once bound is found without allocating.
 */
final class Slot implements AutoCloseable {
    /** A program with its segments at hand, in the graph's order. */
    static final class Bound {
        private final Program program;
        private final MemorySegment[] inputs;
        private final MemorySegment[] outputs;

        Bound(Program program) {
            this.program = program;
            this.inputs = segments(program.plan().graph().inputs());
            this.outputs = segments(program.plan().graph().outputs());
        }

        private MemorySegment[] segments(java.util.List<Tensor> tensors) {
            return tensors.stream().map(program::segment).toArray(MemorySegment[]::new);
        }

        MemorySegment[] inputs() {
            return inputs;
        }

        MemorySegment input(int index) {
            return inputs[index];
        }

        MemorySegment output(int index) {
            return outputs[index];
        }

        void run() {
            program.run();
        }
    }

    private final Context context;
    private final NativeMemory arena;
    private final Plans plans;
    private final Weights weights;
    private final @Nullable Bound[] images;
    private final @Nullable Bound[] texts;
    private final Packing packing;

    Slot(Context context, Plans plans, Weights weights) {
        this.context = context;
        this.plans = plans;
        this.weights = weights;
        this.arena = NativeMemory.allocate(plans.arenaBytes());
        this.images = new Bound[plans.imageBuckets()];
        this.texts = new Bound[plans.textBuckets()];
        this.packing = new Packing(plans.architecture().text(), plans.largestBatch(), plans.cutText());
    }

    /** The program for exactly {@code batch} pictures, a power of two. */
    Bound image(int batch) {
        int index = plans.imageIndex(batch);
        Bound bound = images[index];
        if (bound == null) {
            bound = bind(plans.image(batch));
            images[index] = bound;
        }
        return bound;
    }

    /** The program for at most so many texts and tokens; both are buckets. */
    Bound text(int sequences, int tokens) {
        int index = plans.textIndex(sequences, tokens);
        Bound bound = texts[index];
        if (bound == null) {
            bound = bind(plans.text(sequences, tokens));
            texts[index] = bound;
        }
        return bound;
    }

    private Bound bind(Plan plan) {
        return new Bound(new Program(plan, context, arena.segment(), weights::address));
    }

    /** Scratch for packing texts. */
    Packing packing() {
        return packing;
    }

    @Override
    public void close() {
        for (Bound[] group : new Bound[][] {images, texts}) {
            for (Bound bound : group) {
                if (bound != null) {
                    bound.program.close();
                }
            }
        }
        arena.close();
        context.close();
    }
}
