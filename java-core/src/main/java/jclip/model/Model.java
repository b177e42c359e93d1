package jclip.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import jclip.backend.Context;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;
import jclip.graph.Plan;

/**
 * A loaded CLIP model: both towers, from ready pixels and token ids to features. Safe for many threads: calls beyond the number of slots
 * wait for one. After warm-up a call allocates nothing. The bits of a result depend on its picture or text alone, not on the batch,
 * the place in it, the neighbours or the number of threads.
 */
public final class Model implements AutoCloseable {
    /**
     * How a model is opened.
     *
     * @param imageSize side of the pictures in pixels; 0: as the checkpoint says. At another size the position grid is interpolated
     * @param slots calls that compute at the same time; 0: as many as the thread pool has threads
     * @param largestBatch pictures or texts of one run, a power of two; longer lists are cut
     * @param threads cap for one call; 0: the whole pool
     */
    public record Options(int imageSize, int slots, int largestBatch, int threads, Shortcuts shortcuts) {
        /** Everything as usual. */
        public static final Options DEFAULT = new Options(0, 0, 32, 0, Shortcuts.ALL);

        public Options {
            if (imageSize < 0 || slots < 0 || threads < 0 || largestBatch < 1 || Integer.bitCount(largestBatch) != 1) {
                throw new IllegalArgumentException(
                        "model options: image size " + imageSize + ", slots " + slots + ", threads " + threads
                                + " must not be negative, and the largest batch " + largestBatch + " a power of two");
            }
        }
    }

    /**
     * Memory that a model takes for a batch.
     *
     * @param weights bytes of all parameters, packed
     * @param image arena bytes of the image tower
     * @param text arena bytes of the text tower at full context
     */
    public record Memory(long weights, long image, long text) {}

    private final Architecture architecture;
    private final float logitScale;
    private final Plans plans;
    private final Context planning;
    private final Weights weights;
    private final int slotCount;
    private final ArrayDeque<Slot> free = new ArrayDeque<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean closed;

    private Model(Checkpoint checkpoint, Library library, Isa isa, Options options) {
        this.architecture = resized(checkpoint.architecture(), options.imageSize());
        this.logitScale = checkpoint.logitScale();
        this.planning = new Context(library, isa, options.threads());
        try {
            this.plans = new Plans(architecture, options.shortcuts(), options.largestBatch(), planning);
            this.weights = Weights.load(plans.parameters(), checkpoint, planning, epsilon(architecture));
        } catch (RuntimeException | Error e) {
            planning.close();
            throw e;
        }
        this.slotCount = options.slots() == 0 ? library.threads() : options.slots();
        try {
            for (int i = 0; i < slotCount; i++) {
                free.push(new Slot(new Context(library, isa, options.threads()), plans, weights));
            }
        } catch (RuntimeException | Error e) {
            freeAll();
            throw e;
        }
    }

    private void freeAll() {
        free.forEach(Slot::close);
        weights.close();
        planning.close();
    }

    /** Reads a checkpoint's weights; the checkpoint may be closed afterwards. */
    public static Model load(Checkpoint checkpoint, Options options) {
        return load(checkpoint, options, Library.cpu().isa());
    }

    /** The same on a forced instruction set, which the machine must have. */
    static Model load(Checkpoint checkpoint, Options options, Isa isa) {
        return new Model(checkpoint, Library.cpu(), isa, options);
    }

    private static Architecture resized(Architecture from, int imageSize) {
        if (imageSize == 0 || imageSize == from.vision().imageSize()) {
            return from;
        }
        Architecture.Vision vision =
                switch (from.vision()) {
                    case Architecture.Vit v ->
                        new Architecture.Vit(
                                imageSize,
                                v.patchSize(),
                                v.width(),
                                v.layers(),
                                v.heads(),
                                v.headDim(),
                                v.mlpWidth(),
                                v.eps());
                    case Architecture.ResNet r ->
                        new Architecture.ResNet(
                                imageSize, r.width(), r.layers(), r.heads(), r.headDim(), r.attnpoolWidth(), r.eps());
                };
        return new Architecture(from.embedDim(), from.activation(), vision, from.text());
    }

    private static double epsilon(Architecture architecture) {
        return architecture.vision() instanceof Architecture.ResNet net ? net.eps() : Architecture.DEFAULT_EPS;
    }

    /** The architecture, at the image size in use. */
    public Architecture architecture() {
        return architecture;
    }

    /** The stored parameter; cosines are multiplied by its exponential. */
    public float logitScale() {
        return logitScale;
    }

    /** Bytes for a batch of that many pictures or texts: a promise. */
    public Memory plan(int batch) {
        if (batch < 1 || batch > plans.largestBatch()) {
            throw new IllegalArgumentException("batch " + batch + "; it must be 1 to " + plans.largestBatch());
        }
        int tokens = Plans.tokenBucket(batch * architecture.text().contextLength());
        return new Memory(
                weights.bytes(),
                plans.image(plans.imageBucket(batch)).bytes(),
                plans.text(plans.textBucket(batch), tokens).bytes());
    }

    /** The plan of a whole batch of pictures (a power of two), for printing. */
    public Plan imagePlan(int batch) {
        return plans.image(plans.imageBucket(batch));
    }

    /** The plan of a batch of texts at full context, for printing. */
    public Plan textPlan(int batch) {
        return plans.text(
                plans.textBucket(batch),
                Plans.tokenBucket(batch * architecture.text().contextLength()));
    }

    /**
     * Image features.
     *
     * @param pixels float32 [count, 3, size, size], normalised
     * @param destination float32 [count, embedDim]
     * @param unit rows of unit length; otherwise as the projection gives them
     * @throws IllegalArgumentException if a segment is too small or a result is not finite
     * @throws IllegalStateException after {@link #close}
     */
    public void encodeImages(MemorySegment pixels, int count, MemorySegment destination, boolean unit) {
        encodeImages(pixels, count, destination, unit ? 1 : 0, architecture.embedDim());
    }

    /** Numbers in a row of {@link #encodePooledImages}: the width of a ViT, the embedding's of a ResNet. */
    public int pooledImageWidth() {
        return architecture.vision() instanceof Architecture.Vit vit ? vit.width() : architecture.embedDim();
    }

    /**
     * Image features before the projection, as linear probes take them: the class token after the last normalisation. A ResNet has no
     * projection of its own: its features are the attention pool's output, the same as those of {@link #encodeImages}.
     *
     * @param pixels float32 [count, 3, size, size], normalised
     * @param destination float32 [count, {@link #pooledImageWidth}]
     * @throws IllegalArgumentException if a segment is too small or a result is not finite
     * @throws IllegalStateException after {@link #close}
     */
    public void encodePooledImages(MemorySegment pixels, int count, MemorySegment destination) {
        boolean vit = architecture.vision() instanceof Architecture.Vit;
        encodeImages(pixels, count, destination, vit ? 2 : 0, pooledImageWidth());
    }

    private void encodeImages(MemorySegment pixels, int count, MemorySegment destination, int output, int width) {
        long size = architecture.vision().imageSize();
        long image = 3 * size * size * Float.BYTES;
        checkBytes("pixels", pixels, count, image);
        checkBytes("destination", destination, count, (long) width * Float.BYTES);
        Slot slot = acquire();
        try {
            for (int done = 0; done < count; ) {
                int batch = plans.imageBucket(count - done);
                Slot.Bound bound = slot.image(batch);
                MemorySegment.copy(pixels, done * image, bound.input(0), 0, batch * image);
                bound.run();
                copyOut("image", bound.output(output), destination, done, batch, width);
                done += batch;
            }
        } finally {
            release(slot);
        }
    }

    /**
     * Text features.
     *
     * @param tokens rows of context-length ids: start, words, end, padding
     * @param count rows
     * @param destination float32 [count, embedDim]
     * @param unit rows of unit length; otherwise as the projection gives them
     * @throws IllegalArgumentException if an id is outside the vocabulary, or an array or segment too small
     * @throws IllegalStateException after {@link #close}
     */
    public void encodeTexts(int[] tokens, int count, MemorySegment destination, boolean unit) {
        int context = architecture.text().contextLength();
        if (count < 1 || tokens.length < (long) count * context) {
            throw new IllegalArgumentException("tokens: " + tokens.length + " ids for " + count + " texts of " + context
                    + "; count must be at least 1");
        }
        checkBytes("destination", destination, count, (long) architecture.embedDim() * Float.BYTES);
        Slot slot = acquire();
        try {
            for (int done = 0; done < count; ) {
                int batch = Math.min(count - done, plans.largestBatch());
                int total = slot.packing().measure(tokens, done, batch);
                Slot.Bound bound = slot.text(plans.textBucket(batch), Plans.tokenBucket(total));
                slot.packing().write(bound.inputs(), tokens);
                bound.run();
                copyOut("text", bound.output(unit ? 1 : 0), destination, done, batch, architecture.embedDim());
                done += batch;
            }
        } finally {
            release(slot);
        }
    }

    /**
     * Runs the image tower once, without shortcuts, and copies activations: for tests and for looking inside; not for speed.
     *
     * @param pixels float32 [count, 3, size, size], normalised
     * @param names of recorded tensors, as the plan prints them: {@code visual.embed}, {@code visual.block.3}, {@code visual.layer2.0}, ...
     * @throws IllegalArgumentException if there is no such tensor or the segment is too small
     */
    public Map<String, TensorValues> imageActivations(MemorySegment pixels, int count, Set<String> names) {
        long size = architecture.vision().imageSize();
        checkBytes("pixels", pixels, count, 3 * size * size * Float.BYTES);
        return inspect(count, inspection -> inspection.images(pixels, count, names));
    }

    /**
     * As {@link #imageActivations} for texts; rows of all positions, padding included.
     *
     * @param tokens rows of context-length ids
     * @param names {@code text.embed}, {@code text.block.3}, {@code text.ln_final}, {@code text.pooled}, ...
     */
    public Map<String, TensorValues> textActivations(int[] tokens, int count, Set<String> names) {
        if (count < 1 || tokens.length < (long) count * architecture.text().contextLength()) {
            throw new IllegalArgumentException("tokens: " + tokens.length + " ids for " + count + " texts");
        }
        return inspect(count, inspection -> inspection.texts(tokens, count, names));
    }

    private Map<String, TensorValues> inspect(int count, Function<Inspection, Map<String, TensorValues>> look) {
        Slot slot = acquire();
        try (Context context = new Context(planning.library(), planning.isa(), 0)) {
            int largest = Integer.highestOneBit(count) == count ? count : Integer.highestOneBit(count) << 1;
            return look.apply(
                    new Inspection(context, weights, new Plans(architecture, Shortcuts.NONE, largest, context)));
        } finally {
            release(slot);
        }
    }

    private static void checkBytes(String what, MemorySegment segment, int count, long each) {
        if (count < 1) {
            throw new IllegalArgumentException(what + ": a batch of " + count + "; it must hold at least one");
        }
        if (segment.byteSize() < count * each) {
            throw new IllegalArgumentException(
                    what + ": " + segment.byteSize() + " bytes; " + count + " rows need " + count * each);
        }
    }

    private static void copyOut(
            String what, MemorySegment rows, MemorySegment destination, int done, int batch, int width) {
        for (int i = 0; i < batch * width; i++) {
            if (!Float.isFinite(rows.getAtIndex(ValueLayout.JAVA_FLOAT, i))) {
                throw new IllegalArgumentException(what + " " + (done + i / width)
                        + ": the result is not finite; the input or the weights hold NaN, infinite or extreme values");
            }
        }
        MemorySegment.copy(rows, 0, destination, (long) done * width * Float.BYTES, (long) batch * width * Float.BYTES);
    }

    private Slot acquire() {
        lock.lock();
        try {
            while (free.isEmpty() && !closed) {
                changed.awaitUninterruptibly();
            }
            if (closed) {
                throw new IllegalStateException("this model is closed");
            }
            return free.pop();
        } finally {
            lock.unlock();
        }
    }

    private void release(Slot slot) {
        lock.lock();
        try {
            free.push(slot);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits for calls in flight, then gives all native memory back. Calls after this are refused; closing again does nothing. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            changed.signalAll();
            while (free.size() < slotCount) {
                changed.awaitUninterruptibly();
            }
            freeAll();
        } finally {
            lock.unlock();
        }
    }
}
