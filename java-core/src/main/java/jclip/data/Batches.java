package jclip.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import jclip.image.Preprocessor;
import jclip.image.Scratch;
import jclip.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * One consumer's stream of batches: decoded, cropped and tokenised ahead by worker threads, delivered in the order of
 * the steps. What a batch holds depends on the sets, the settings, the seed and the step alone, never on the number of
 * workers or on where the stream began: a stream that starts at step s goes on with the bits of one that ran through.
 *
 * <p>A broken sample of a training stream is replaced by another one, chosen by the same generator, and counted by its
 * reason; of an evaluation it is left out and counted. {@link #next} and the counts are for one thread at a time; {@link
 * #close} may be called by any, and waits for the workers to end.
 */
public final class Batches implements AutoCloseable {
    private final BatchFiller filler;
    private final int batchSize;
    private final long first;
    /** Places in all; what a training stream has is never used up. */
    private final long places;

    private final List<Batch> ring = new ArrayList<>();
    private final List<Thread> workers = new ArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition room = lock.newCondition();
    private final Condition filled = lock.newCondition();
    private final Map<Defect, Long> drops = new EnumMap<>(Defect.class);
    /** Places that workers have taken, and batches that were given out and given back; guarded by the lock. */
    private long taken;

    private long given;
    private long returned;
    private long waited;
    private boolean closed;

    private Batches(Builder builder, boolean evaluation) {
        batchSize = builder.batchSize;
        first = evaluation ? 0 : builder.firstStep;
        filler = new BatchFiller(builder.mixture, builder.settings(evaluation));
        places = evaluation ? builder.mixture.size() : Long.MAX_VALUE;
        for (int i = 0; i <= builder.prefetch; i++) {
            ring.add(new Batch(batchSize, filler.pictureBytes(), filler.context()));
        }
        for (int i = 0; i < builder.workers; i++) {
            workers.add(Thread.ofPlatform().daemon().name("jclip-data-" + i).start(this::work));
        }
    }

    /** Settings of a stream over one set. */
    public static Builder builder(Dataset set) {
        return new Builder(Mixture.of(set));
    }

    /** Settings of a stream over sets with weights. */
    public static Builder builder(Mixture mixture) {
        return new Builder(mixture);
    }

    private void work() {
        try (Scratch scratch = new Scratch()) {
            for (long place = take(); place >= 0; place = take()) {
                long number = place / batchSize;
                fill(ring.get((int) (number % ring.size())), (int) (place % batchSize), scratch);
            }
        }
    }

    /** The next place to fill, or -1 when there is no more to do. */
    private long take() {
        lock.lock();
        try {
            while (!closed && taken < places && taken / batchSize >= returned + ring.size()) {
                room.awaitUninterruptibly();
            }
            if (closed || taken >= places) {
                return -1;
            }
            long number = taken / batchSize;
            if (taken % batchSize == 0) {
                int size = (int) Math.min(batchSize, places - taken);
                ring.get((int) (number % ring.size())).begin(first + number, size);
            }
            return taken++;
        } finally {
            lock.unlock();
        }
    }

    private void fill(Batch batch, int place, Scratch scratch) {
        Throwable failure = null;
        Map<Defect, Long> broken = new EnumMap<>(Defect.class);
        try {
            filler.fill(batch, place, scratch, broken);
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        lock.lock();
        try {
            broken.forEach((defect, count) -> batch.drops.merge(defect, count, Long::sum));
            batch.failure = batch.failure == null ? failure : batch.failure;
            if (--batch.missing == 0) {
                filled.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether there is another batch: always so in training. */
    public boolean hasNext() {
        return given < (places - 1) / batchSize + 1;
    }

    /**
     * The next batch, waited for if need be; the one given before is taken back.
     *
     * @throws DataException if it could not be filled, because a source fails or holds nothing but broken samples
     * @throws NoSuchElementException at the end of an evaluation
     * @throws IllegalStateException if closed, or interrupted while waiting
     */
    public Batch next() {
        if (!hasNext()) {
            throw new NoSuchElementException("no batch is left");
        }
        Batch batch = ring.get((int) (given % ring.size()));
        long start = System.nanoTime();
        lock.lock();
        try {
            returned = given;
            room.signalAll();
            while (!closed && !(taken > given * batchSize && batch.missing == 0)) {
                filled.await();
            }
            if (closed) {
                throw new IllegalStateException("these batches are closed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for a batch", e);
        } finally {
            waited += System.nanoTime() - start;
            lock.unlock();
        }
        Throwable failure = batch.failure;
        if (failure != null) {
            throw new DataException("step " + batch.step() + ": " + failure.getMessage(), failure);
        }
        given++;
        batch.drops.forEach((defect, count) -> drops.merge(defect, count, Long::sum));
        batch.close();
        return batch;
    }

    /** Samples of the batches given so far that were replaced or left out, by reason. */
    public Map<Defect, Long> drops() {
        return Collections.unmodifiableMap(new EnumMap<>(drops));
    }

    /** Nanoseconds that {@link #next} has waited so far: what training lost to its data. */
    public long waitedNanos() {
        return waited;
    }

    /** Steps in which a training stream goes through all samples once, at least 1. */
    public long stepsPerEpoch() {
        return Math.max(1, filler.samples() / batchSize);
    }

    /** Ends the workers, waits for them and gives the memory of all batches back. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            room.signalAll();
            filled.signalAll();
        } finally {
            lock.unlock();
        }
        Parallel.join(workers);
        ring.forEach(Batch::free);
    }

    /** Settings. Not for two threads at once. */
    public static final class Builder {
        private final Mixture mixture;
        private Preprocessor preprocessor = Preprocessor.openai(224);
        private @Nullable Tokenizer tokenizer;
        private int context = 77;
        private int batchSize = 64;
        private long seed;
        private long firstStep;
        private @Nullable RandomResizedCrop crop = RandomResizedCrop.openClip();
        private int workers = Math.max(1, Runtime.getRuntime().availableProcessors() - 1);
        private int prefetch = 2;

        private Builder(Mixture mixture) {
            this.mixture = Objects.requireNonNull(mixture, "mixture");
        }

        /**
         * Size, mean and standard deviation, filter, and how files are read. Its resize mode counts where nothing is
         * cropped. Default: OpenAI's at 224.
         */
        public Builder preprocessor(Preprocessor value) {
            preprocessor = Objects.requireNonNull(value, "preprocessor");
            return this;
        }

        /** How captions become rows of ids; longer ones are cut and keep the end token. Default: no token rows. */
        public Builder tokenizer(Tokenizer value, int contextLength) {
            if (contextLength < 2) {
                throw new IllegalArgumentException("context length " + contextLength + ", wanted at least 2");
            }
            tokenizer = Objects.requireNonNull(value, "tokenizer");
            context = contextLength;
            return this;
        }

        /** Samples a batch, at least 1. Default: 64. */
        public Builder batchSize(int value) {
            batchSize = positive("batch size", value);
            return this;
        }

        /** What order, crops and captions are drawn from. Default: 0. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** The step that a training stream begins with. Default: 0. */
        public Builder firstStep(long value) {
            if (value < 0 || value > 0xFFFFFFFFL) {
                throw new IllegalArgumentException("first step " + value + ", wanted 0 to 2^32 - 1");
            }
            firstStep = value;
            return this;
        }

        /** Random crops of a training stream, or null to show whole pictures. Default: open_clip's. */
        public Builder crop(@Nullable RandomResizedCrop value) {
            crop = value;
            return this;
        }

        /** Threads that decode. Default: processors - 1, at least 1. */
        public Builder workers(int value) {
            workers = positive("workers", value);
            return this;
        }

        /** Batches made ready beside the one in use. Default: 2. */
        public Builder prefetch(int value) {
            prefetch = positive("prefetch", value);
            return this;
        }

        private static int positive(String name, int value) {
            if (value < 1) {
                throw new IllegalArgumentException(name + " " + value + ", wanted at least 1");
            }
            return value;
        }

        /** An endless stream in the order of the seed. */
        public Batches training() {
            return new Batches(this, false);
        }

        /**
         * Every sample once, in the order of the set, nothing cropped at random; rows hold the first caption where there
         * are a tokenizer and a caption.
         *
         * @throws IllegalArgumentException for a mixture of several sets
         */
        public Batches evaluation() {
            if (mixture.sets().size() != 1) {
                throw new IllegalArgumentException("a mixture has no order; evaluate its sets one by one");
            }
            return new Batches(this, true);
        }

        private BatchFiller.Settings settings(boolean evaluation) {
            return new BatchFiller.Settings(
                    preprocessor,
                    tokenizer,
                    tokenizer == null ? 0 : context,
                    batchSize,
                    seed,
                    evaluation ? null : crop,
                    evaluation);
        }
    }
}
