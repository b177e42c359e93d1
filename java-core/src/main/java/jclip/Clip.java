package jclip;

import java.awt.image.BufferedImage;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import jclip.backend.Library;
import jclip.backend.NativeMemory;
import jclip.checkpoint.Activation;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Layout;
import jclip.checkpoint.Preprocess;
import jclip.image.Interpolation;
import jclip.image.Picture;
import jclip.image.PictureFailure;
import jclip.image.PictureReader;
import jclip.image.PictureSource;
import jclip.image.Preprocessor;
import jclip.image.ResizeMode;
import jclip.model.Model;
import jclip.model.Shortcuts;
import jclip.text.Overflow;
import jclip.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * A CLIP model ready for use: pictures and texts in, vectors in one space out.
 *
 * <pre>{@code
 * try (Clip clip = Clip.load(Path.of("ViT-B-32"))) {
 *     float[] picture = clip.encodeImage(Path.of("dog.jpg"));
 *     float[] text = clip.encodeText("a photo of a dog");
 *     double cosine = Clip.cosine(picture, text);
 * }
 * }</pre>
 *
 * <p>Safe for many threads. Embeddings have unit length; {@link #model} gives features as the projection leaves them. The bits of an embedding depend on its picture or
 * text alone. Native memory is given back by {@link #close}, which waits for calls in flight; every call after it is refused with {@link
 * IllegalStateException}.
 */
public final class Clip implements AutoCloseable {
    /** Tokens of OpenAI's vocabulary. */
    private static final int STANDARD_VOCABULARY = 49408;

    private final Model model;
    private final Preprocessor preprocessor;
    private final PictureReader pictures;
    private final @Nullable Tokenizer tokenizer;
    private final Overflow overflow;
    private final int largestBatch;

    private Clip(Builder builder, Checkpoint checkpoint, @Nullable Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        this.overflow = builder.overflow;
        this.pictures = builder.reader;
        this.largestBatch = builder.options.largestBatch();
        this.model = Model.load(checkpoint, builder.options);
        this.preprocessor = preprocessor(
                checkpoint.preprocess(), model.architecture().vision().imageSize(), builder.reader);
    }

    private static Preprocessor preprocessor(Preprocess settings, int size, PictureReader reader) {
        return Preprocessor.builder()
                .size(size, size)
                .reader(reader)
                .resizeMode(ResizeMode.parse(settings.resizeMode()))
                .interpolation(Interpolation.parse(settings.interpolation()))
                .fillColor(settings.fillColor(), settings.fillColor(), settings.fillColor())
                .mean(
                        settings.mean().get(0),
                        settings.mean().get(1),
                        settings.mean().get(2))
                .std(
                        settings.std().get(0),
                        settings.std().get(1),
                        settings.std().get(2))
                .build();
    }

    /**
     * Loads a checkpoint with the usual settings: a folder or file in OpenAI, OpenCLIP or Hugging Face layout, or {@code formula:NAME} for a
     * full-size architecture with weights made by a formula.
     *
     * @throws jclip.checkpoint.CheckpointException if it cannot be read, or its tensors and its configuration disagree
     * @throws jclip.backend.LibraryException if the native library cannot be loaded
     */
    public static Clip load(Path checkpoint) {
        return builder().load(checkpoint);
    }

    /** Settings other than the usual ones. */
    public static Builder builder() {
        return new Builder();
    }

    /** Settings of a {@link Clip}; not thread-safe. */
    public static final class Builder {
        private Model.Options options = Model.Options.DEFAULT;
        private PictureReader reader = PictureReader.standard();
        private Overflow overflow = Overflow.REJECT;
        private @Nullable Path vocabulary;
        private @Nullable Activation activation;

        private Builder() {}

        /** Cap on the threads of one call; 0, the usual: all of the process-wide pool. */
        public Builder threads(int threads) {
            options = new Model.Options(
                    options.imageSize(), options.slots(), options.largestBatch(), threads, options.shortcuts());
            return this;
        }

        /** Pictures or texts of one run, a power of two, usually 32; longer lists are cut into such runs. */
        public Builder batch(int largest) {
            options = new Model.Options(
                    options.imageSize(), options.slots(), largest, options.threads(), options.shortcuts());
            return this;
        }

        /** Calls that compute at the same time; 0, the usual: as many as the pool has threads. Further callers wait. */
        public Builder slots(int slots) {
            options = new Model.Options(
                    options.imageSize(), slots, options.largestBatch(), options.threads(), options.shortcuts());
            return this;
        }

        /** Side of the pictures in pixels, if not the checkpoint's: its position grid is interpolated. */
        public Builder imageSize(int pixels) {
            options = new Model.Options(
                    pixels, options.slots(), options.largestBatch(), options.threads(), options.shortcuts());
            return this;
        }

        /** Which exact savings are made; usually all. */
        public Builder shortcuts(Shortcuts shortcuts) {
            options = new Model.Options(
                    options.imageSize(), options.slots(), options.largestBatch(), options.threads(), shortcuts);
            return this;
        }

        /** How pictures are read: limits, EXIF orientation. */
        public Builder pictures(PictureReader pictures) {
            reader = pictures;
            return this;
        }

        /** Too-long texts are cut, instead of being an error. */
        public Builder truncateTexts(boolean truncate) {
            overflow = truncate ? Overflow.TRUNCATE : Overflow.REJECT;
            return this;
        }

        /** The vocabulary file or folder, if not the one beside the checkpoint or, without one, the standard vocabulary. */
        public Builder vocabulary(Path fileOrFolder) {
            vocabulary = fileOrFolder;
            return this;
        }

        /** The activation that the caller expects; a checkpoint that contradicts is refused. */
        public Builder activation(Activation expected) {
            activation = expected;
            return this;
        }

        /** As {@link Clip#load}. */
        public Clip load(Path path) {
            String name = path.toString();
            try (Checkpoint checkpoint = name.startsWith("formula:")
                    ? Checkpoint.formula(name.substring("formula:".length()))
                    : Checkpoint.open(path, new Checkpoint.Request(activation, null))) {
                return new Clip(this, checkpoint, tokenizer(path, checkpoint.layout()));
            }
        }

        /** The one asked for, or the one beside the checkpoint, or null: the standard one is read when a text needs it. */
        private @Nullable Tokenizer tokenizer(Path path, Layout layout) {
            if (vocabulary != null) {
                return Tokenizer.open(vocabulary);
            }
            Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
            if (layout != Layout.FORMULA && folder != null && Tokenizer.isPresent(folder)) {
                return Tokenizer.open(folder);
            }
            return null;
        }
    }

    /** The model itself: ready pixels and token ids in, without decoding and tokenising. */
    public Model model() {
        return model;
    }

    /** How pictures are resized, cropped and normalised for this model. */
    public Preprocessor preprocessor() {
        return preprocessor;
    }

    /**
     * The model's tokenizer.
     *
     * @throws IllegalStateException if no vocabulary lies beside the checkpoint and the standard one has another size
     */
    public Tokenizer tokenizer() {
        if (tokenizer != null) {
            return tokenizer;
        }
        int size = model.architecture().text().vocabSize();
        if (size != STANDARD_VOCABULARY) {
            throw new IllegalStateException("the model's vocabulary of " + size
                    + " tokens is not the standard one, and none lies beside the checkpoint; give one with"
                    + " Builder.vocabulary");
        }
        return Tokenizer.standard();
    }

    /** Numbers in an embedding. */
    public int embedDim() {
        return model.architecture().embedDim();
    }

    /** Factor of the cosines in logits: the exponential of the stored logit scale. */
    public double logitScale() {
        return Math.exp(model.logitScale());
    }

    /** The unit-length embedding of a picture file. */
    public float[] encodeImage(Path file) {
        return encodeSources(List.of(PictureSource.of(file)))[0];
    }

    /** The unit-length embedding of an encoded picture. */
    public float[] encodeImage(byte[] encoded) {
        return encodeSources(List.of(PictureSource.of(encoded, "bytes")))[0];
    }

    /** The unit-length embedding of an encoded picture; the stream is read to its end and not closed. */
    public float[] encodeImage(InputStream encoded) {
        return encodePicture(pictures.read(encoded, "stream"));
    }

    /** The unit-length embedding of a decoded picture. */
    public float[] encodeImage(BufferedImage image) {
        return encodePicture(Picture.of(image));
    }

    /** The unit-length embedding of a picture. */
    public float[] encodePicture(Picture picture) {
        return encodePictures(List.of(picture))[0];
    }

    /**
     * Unit-length embeddings of picture files, in order.
     *
     * @throws jclip.image.ImageException if one of them is no sound picture; it names the file
     */
    public float[][] encodeImages(List<Path> files) {
        return encodeSources(files.stream().map(PictureSource::of).toList());
    }

    /** Unit-length embeddings of pictures, in order. */
    public float[][] encodePictures(List<Picture> pictures) {
        return encodeSources(pictures.stream().map(PictureSource::of).toList());
    }

    /**
     * Unit-length embeddings of pictures from anywhere, in order.
     *
     * @throws jclip.image.ImageException for the first that is no sound picture; it names the picture
     */
    public float[][] encodeSources(List<? extends PictureSource> pictures) {
        requireSome("pictures", pictures);
        return rows(pictures.size(), destination -> encodeSources(pictures, destination));
    }

    /**
     * Unit-length embeddings into the caller's memory.
     *
     * @param destination float32 [pictures, {@link #embedDim}]
     * @throws jclip.image.ImageException for the first that is no sound picture; it names the picture
     */
    public void encodeSources(List<? extends PictureSource> pictures, MemorySegment destination) {
        requireSome("pictures", pictures);
        // Runs of the largest batch: the pixels in memory stay bounded however long the list is.
        int most = Math.min(pictures.size(), largestBatch);
        try (NativeMemory pixels = NativeMemory.allocate(most * preprocessor.tensorBytes())) {
            for (int done = 0; done < pictures.size(); done += most) {
                List<? extends PictureSource> run = pictures.subList(done, Math.min(done + most, pictures.size()));
                int threads = Math.min(run.size(), Library.cpu().threads());
                List<PictureFailure> failures = preprocessor.toTensors(run, pixels.segment(), threads);
                if (!failures.isEmpty()) {
                    throw failures.getFirst().error();
                }
                model.encodeImages(pixels.segment(), run.size(), destination.asSlice(done * rowBytes()), true);
            }
        }
    }

    /**
     * Unit-length embeddings into the caller's memory.
     *
     * @param destination float32 [pictures, {@link #embedDim}]
     */
    public void encodePictures(List<Picture> pictures, MemorySegment destination) {
        encodeSources(pictures.stream().map(PictureSource::of).toList(), destination);
    }

    /** The unit-length embedding of a text. */
    public float[] encodeText(String text) {
        return encodeTexts(List.of(text))[0];
    }

    /**
     * Unit-length embeddings of texts, in order.
     *
     * @throws IllegalArgumentException if a text has more tokens than the context holds, unless texts are to be truncated
     */
    public float[][] encodeTexts(List<String> texts) {
        requireSome("texts", texts);
        return rows(texts.size(), destination -> encodeTexts(texts, destination));
    }

    /**
     * Unit-length embeddings into the caller's memory.
     *
     * @param destination float32 [texts, {@link #embedDim}]
     */
    public void encodeTexts(List<String> texts, MemorySegment destination) {
        requireSome("texts", texts);
        model.encodeTexts(tokens(texts), texts.size(), destination, true);
    }

    /** Token rows of the model's context length, one after the other. */
    public int[] tokens(List<String> texts) {
        int context = model.architecture().text().contextLength();
        int[] tokens = new int[Math.multiplyExact(texts.size(), context)];
        for (int i = 0; i < texts.size(); i++) {
            System.arraycopy(tokenizer().encode(texts.get(i), context, overflow), 0, tokens, i * context, context);
        }
        return tokens;
    }

    private static void requireSome(String what, List<?> items) {
        if (items.isEmpty()) {
            throw new IllegalArgumentException("no " + what + ": the list is empty");
        }
    }

    private float[][] rows(int count, Consumer<MemorySegment> encoding) {
        try (NativeMemory memory = NativeMemory.allocate(count * rowBytes())) {
            encoding.accept(memory.segment());
            float[][] rows = new float[count][embedDim()];
            for (int i = 0; i < count; i++) {
                MemorySegment.copy(memory.segment(), ValueLayout.JAVA_FLOAT, i * rowBytes(), rows[i], 0, embedDim());
            }
            return rows;
        }
    }

    private long rowBytes() {
        return (long) embedDim() * Float.BYTES;
    }

    /** Cosines of every picture with every text: [pictures][texts]. */
    public double[][] similarity(List<Path> images, List<String> texts) {
        float[][] pictures = encodeImages(images);
        float[][] sentences = encodeTexts(texts);
        return Stream.of(pictures)
                .map(p -> Stream.of(sentences).mapToDouble(t -> cosine(p, t)).toArray())
                .toArray(double[][]::new);
    }

    /**
     * The cosine of two vectors, summed in double precision.
     *
     * @throws IllegalArgumentException if their lengths differ
     */
    public static double cosine(float[] a, float[] b) {
        if (a.length != b.length) {
            throw new IllegalArgumentException("cosine of vectors of " + a.length + " and " + b.length + " numbers");
        }
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            aa += (double) a[i] * a[i];
            bb += (double) b[i] * b[i];
        }
        return dot / Math.sqrt(aa * bb);
    }

    @Override
    public void close() {
        model.close();
    }
}
