package jclip.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import jclip.checkpoint.CheckpointException.Reason;
import org.jspecify.annotations.Nullable;

/**
 * A CLIP model's weights under canonical names, which are OpenAI's ({@code
 * visual.transformer.resblocks.0.attn.in_proj_weight}, {@code text_projection}, ...), whatever the file calls them.
 * Values are read on demand from a memory map.
 *
 * <p>Opening checks everything but the values: all tensors that the architecture needs are there, none is left over,
 * all shapes fit, the activation is known and contradicts nothing. Hugging Face's q, k, v are joined and its
 * projections transposed. Not read: {@code num_batches_tracked}, {@code position_ids}, OpenAI's three integer scalars.
 *
 * <p>Safe for many threads. {@link #close} waits for reads in flight; use after it is {@link IllegalStateException}. A
 * file must not be shortened while it is open.
 */
public final class Checkpoint implements AutoCloseable {
    private final Path source;
    private final Layout layout;
    private final Architecture architecture;
    private final Preprocess preprocess;
    private final SequencedMap<String, Weight> weights;
    private final @Nullable TensorFile file;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private boolean closed;

    /**
     * What the caller wants of a checkpoint.
     *
     * @param activation the activation that the model must have, or null for the one that the checkpoint says
     * @param config a configuration to be used in place of the one beside the file, or null
     */
    public record Request(
            @Nullable Activation activation, @Nullable Path config) {
        /** Nothing special. */
        public static final Request NONE = new Request(null, null);
    }

    Checkpoint(
            Path source,
            Layout layout,
            Architecture architecture,
            Preprocess preprocess,
            SequencedMap<String, Weight> weights,
            @Nullable TensorFile file) {
        this.source = source;
        this.layout = layout;
        this.architecture = architecture;
        this.preprocess = preprocess;
        this.weights = Collections.unmodifiableSequencedMap(weights);
        this.file = file;
    }

    /**
     * Opens a weights file or a folder that holds one.
     *
     * @throws CheckpointException if it is not a sound checkpoint of a CLIP model
     */
    public static Checkpoint open(Path fileOrFolder) {
        return open(fileOrFolder, Request.NONE);
    }

    /**
     * Opens a weights file or a folder that holds one.
     *
     * @throws CheckpointException if it is not a sound checkpoint of a CLIP model, or contradicts the request
     */
    public static Checkpoint open(Path fileOrFolder, Request request) {
        return CheckpointReader.open(fileOrFolder, request);
    }

    /**
     * A full-size model with weights made by {@link Formula}.
     *
     * @param name RN50, RN101, RN50x4, RN50x16, RN50x64, ViT-B-32, ViT-B-16, ViT-L-14, ViT-L-14-336 or ViT-H-14
     * @throws IllegalArgumentException if there is no such name
     */
    public static Checkpoint formula(String name) {
        return formula(FullSize.architecture(name), "", name);
    }

    /**
     * A model of any architecture with weights made by {@link Formula}.
     *
     * @param salt put before every tensor's name before it is hashed; normally empty
     * @param label what {@link #source} shows
     */
    public static Checkpoint formula(Architecture architecture, String salt, String label) {
        SequencedMap<String, Weight> weights = new LinkedHashMap<>();
        architecture
                .tensors()
                .forEach((name, shape) -> weights.put(name, Formula.tensor(salt, name, shape, architecture)));
        return new Checkpoint(
                Path.of("formula:" + label),
                Layout.FORMULA,
                architecture,
                Preprocess.standard(architecture.vision().imageSize()),
                weights,
                null);
    }

    /**
     * A model whose weights lie in memory, to be written: they are read when {@link #write} runs, and belong to the caller.
     *
     * @param values fp32, row-major, of each of {@link Architecture#tensors}, by canonical name
     * @param vocabulary folder whose vocabulary files {@link #write} copies
     */
    public static Checkpoint of(
            Architecture architecture, Preprocess preprocess, Function<String, MemorySegment> values, Path vocabulary) {
        SequencedMap<String, Weight> weights = new LinkedHashMap<>();
        architecture
                .tensors()
                .forEach((name, shape) -> weights.put(
                        name,
                        new Weight.Stored(
                                shape, List.of(StoredTensor.contiguous(DType.F32, shape, values.apply(name))))));
        return new Checkpoint(
                vocabulary.resolve("in memory"), Layout.OPENCLIP, architecture, preprocess, weights, null);
    }

    /**
     * The model of a fixture of kind {@code formula}: architecture, salt, offsets and scales as its files say.
     *
     * @param caseFolder holds case.json and the shapes file that it names
     * @throws CheckpointException if the files contradict each other
     */
    public static Checkpoint formulaCase(Path caseFolder) {
        return FormulaCase.open(caseFolder);
    }

    /** Returns what the model is made of. */
    public Architecture architecture() {
        return architecture;
    }

    /** Returns how pictures are prepared for it. */
    public Preprocess preprocess() {
        return preprocess;
    }

    /** Returns how the file names its tensors. */
    public Layout layout() {
        return layout;
    }

    /** Returns the file that holds the weights (of a sharded checkpoint: its index). */
    public Path source() {
        return source;
    }

    /** Returns the canonical names, the same for all checkpoints of one architecture and in the same order. */
    public SequencedSet<String> names() {
        return weights.sequencedKeySet();
    }

    /** Returns whether there is a tensor of this canonical name. */
    public boolean has(String name) {
        return weights.containsKey(name);
    }

    /** Returns the canonical shape. */
    public long[] shape(String name) {
        return weight(name).shape().clone();
    }

    /** Returns the type in which the tensor is stored. */
    public DType dtype(String name) {
        return weight(name).dtype();
    }

    /**
     * Writes a tensor's values as fp32, row-major, in the canonical orientation.
     *
     * @param target at least 4 bytes an element; more is left alone
     */
    public void read(String name, MemorySegment target) {
        Weight weight = weight(name);
        long bytes = StoredTensor.elements(weight.shape()) * Float.BYTES;
        if (target.byteSize() < bytes) {
            throw new IllegalArgumentException(
                    "'" + name + "' needs " + bytes + " bytes, the target has " + target.byteSize());
        }
        whileOpen(() -> weight.read(target));
    }

    /** Gives the memory-mapped pages of a tensor back to the system; a later read loads them again. */
    public void release(String name) {
        Weight weight = weight(name);
        whileOpen(weight::release);
    }

    /** Returns the stored parameter; logits are cosines multiplied by its exponential. */
    public float logitScale() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_FLOAT);
            read("logit_scale", value);
            return value.get(ValueLayout.JAVA_FLOAT, 0);
        }
    }

    /**
     * Writes a new checkpoint folder: safetensors, configuration, and the vocabulary files that lie beside this one.
     * The folder appears whole or not at all. Stored types are kept bit for bit.
     *
     * @param folder must not exist, or be empty
     * @param layout {@link Layout#OPENCLIP} or {@link Layout#HUGGINGFACE}
     * @throws CheckpointException if the folder is in use, the layout cannot express the model, or the disk fails
     */
    public void write(Path folder, Layout layout) {
        whileOpen(() -> CheckpointWriter.write(this, folder, layout, null));
    }

    /**
     * As {@link #write(Path, Layout)}, with every tensor converted to one type, rounded to nearest, ties to even.
     *
     * @param dtype F32, F16 or BF16; a finite value that would become infinite is an error
     */
    public void write(Path folder, Layout layout, DType dtype) {
        whileOpen(() -> CheckpointWriter.write(this, folder, layout, dtype));
    }

    /** Unmaps the file. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            closed = true;
            if (file != null) {
                file.close();
            }
        } finally {
            lock.writeLock().unlock();
        }
    }

    Map<String, Weight> weights() {
        return weights;
    }

    void whileOpen(Runnable action) {
        lock.readLock().lock();
        try {
            if (closed) {
                throw new IllegalStateException(source + ": the checkpoint is closed");
            }
            action.run();
        } finally {
            lock.readLock().unlock();
        }
    }

    private Weight weight(String name) {
        Weight weight = weights.get(name);
        if (weight == null) {
            throw new IllegalArgumentException(source + ": no tensor '" + name + "' in this architecture");
        }
        return weight;
    }

    static CheckpointException error(Reason reason, Path file, String what) {
        return new CheckpointException(reason, file + ": " + what);
    }
}
