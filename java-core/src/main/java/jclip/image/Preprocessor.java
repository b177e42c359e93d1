package jclip.image;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import jclip.backend.Library;
import jclip.backend.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * From a picture to an image encoder's input: resized in the picture's own mode, converted to RGB, cropped or padded to
 * height x width, normalised. The 8-bit result is Pillow's, and the whole open_clip's {@code image_transform_v2}, bit
 * for bit. Only the rows and columns that survive the crop are computed.
 *
 * <p>Immutable, safe for many threads. {@link #openai(int)} is what OpenAI's models want; {@link #builder()} makes
 * others.
 */
public final class Preprocessor {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final int height;
    private final int width;
    private final ResizeMode resizeMode;
    private final Interpolation interpolation;
    private final int[] fill;
    private final float[] table;
    private final PictureReader reader;
    private final NativeResampler resampler;

    private Preprocessor(Builder builder) {
        height = builder.height;
        width = builder.width;
        resizeMode = builder.resizeMode;
        interpolation = builder.interpolation;
        fill = builder.fill;
        table = table(builder.mean, builder.std);
        reader = builder.reader;
        Library library = Library.cpu();
        resampler = new NativeResampler(library, library.isa());
    }

    private Preprocessor(Preprocessor other, ResizeMode mode) {
        height = other.height;
        width = other.width;
        resizeMode = mode;
        interpolation = other.interpolation;
        fill = other.fill;
        table = other.table;
        reader = other.reader;
        resampler = other.resampler;
    }

    /** Shortest side to {@code size}, bicubic, centre crop, OpenAI's mean and standard deviation. */
    public static Preprocessor openai(int size) {
        return builder().size(size, size).build();
    }

    /**
     * A builder that starts with open_clip's defaults: 224 x 224, shortest, bicubic, OpenAI's mean and standard
     * deviation, black.
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The same preprocessor with another resize mode: {@code SQUASH} is what a crop for training wants. */
    public Preprocessor withResizeMode(ResizeMode mode) {
        return new Preprocessor(this, Objects.requireNonNull(mode, "mode"));
    }

    /** Rows of the result. */
    public int height() {
        return height;
    }

    /** Columns of the result. */
    public int width() {
        return width;
    }

    /** Bytes of one normalised picture: 3 x height x width fp32 values. */
    public long tensorBytes() {
        return 12L * height * width;
    }

    /**
     * The picture before normalisation: height x width x 3 bytes, row by row.
     *
     * @throws ImageException if a side rounds to nothing
     */
    public byte[] toRgb(Picture picture) {
        try (Scratch scratch = new Scratch()) {
            return toRgb(picture, scratch);
        }
    }

    private byte[] toRgb(Picture picture, Scratch scratch) {
        Frame[] frames = frames(picture);
        byte[] part = Resampler.resize(
                picture,
                frames[0],
                frames[1],
                filter(),
                (in, channels, rows, columns, how) -> Resampler.verticalFirst(rows, columns)
                        ? Resampler.resize8(in.toArray(ValueLayout.JAVA_BYTE), channels, rows, columns, how)
                        : resampler.resize8(in, channels, rows, columns, how, scratch));
        if (fillIsUniform()) {
            return picture.rgbOf(padded(part, picture.mode(), frames));
        }
        return padded(picture.rgbOf(part), PixelMode.RGB, frames);
    }

    /**
     * Writes the normalised picture as 3 x height x width fp32 values (NCHW without N) in the machine's byte order.
     *
     * @param destination at least {@link #tensorBytes()} bytes; only these are written
     * @throws ImageException if a side rounds to nothing
     * @throws IllegalArgumentException if the destination is too small
     */
    public void toTensor(Picture picture, MemorySegment destination) {
        checkDestination(destination, 1);
        try (Scratch scratch = new Scratch()) {
            toTensor(picture, destination, scratch);
        }
    }

    /**
     * Reads and preprocesses many pictures in parallel, each into its place of a batch: pictures x 3 x height x width
     * fp32 values. A bad picture fails alone; what its place holds then is not defined.
     *
     * @param destination at least {@link #tensorBytes()} bytes a picture
     * @param threads how many pictures at once; the calling thread is one of them, the others are platform threads that
     *     end with the call
     * @return the pictures that failed, by their index
     * @throws IllegalArgumentException if the destination is too small or threads is not positive
     */
    public List<PictureFailure> toTensors(
            List<? extends PictureSource> pictures, MemorySegment destination, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads " + threads + ", wanted at least 1");
        }
        checkDestination(destination, pictures.size());
        List<PictureSource> sources = List.copyOf(pictures);
        return Batch.run(sources.size(), threads, (index, scratch) -> {
            Picture picture = reader.read(sources.get(index), scratch);
            toTensor(picture, destination.asSlice(index * tensorBytes(), tensorBytes()), scratch);
        });
    }

    /**
     * Reads a picture, cuts a box out of it and writes what is left as {@link #toTensor(Picture, MemorySegment)} does:
     * Pillow's {@code crop} and then {@code resize}, so that no pixel outside the box counts. One thread's way of
     * working through many pictures without reserving memory for each.
     *
     * @param crop where to cut, or null for the whole picture
     * @param destination at least {@link #tensorBytes()} bytes; only these are written
     * @param scratch memory of the calling thread
     * @throws ImageException if it is no sound picture or a side rounds to nothing
     * @throws IllegalArgumentException if the destination is too small or the box leaves the picture
     */
    public void toTensor(PictureSource source, @Nullable Crop crop, MemorySegment destination, Scratch scratch) {
        checkDestination(destination, 1);
        Picture picture = reader.read(source, scratch);
        if (crop != null) {
            picture = picture.crop(crop.box(picture.width(), picture.height()));
        }
        toTensor(picture, destination, scratch);
    }

    private void checkDestination(MemorySegment destination, long pictures) {
        if (destination.byteSize() < tensorBytes() * pictures) {
            throw new IllegalArgumentException(
                    "destination of " + destination.byteSize() + " bytes, wanted " + tensorBytes() * pictures + " for "
                            + pictures + " x 3 x " + height + " x " + width + " fp32 values");
        }
    }

    private void toTensor(Picture picture, MemorySegment destination, Scratch scratch) {
        Frame[] frames = frames(picture);
        if (canFuse(picture, frames)) {
            fused(picture, frames, destination, scratch);
        } else {
            normalise(toRgb(picture, scratch), destination);
        }
    }

    /** The normalised value of a byte: ((byte / 255) - mean) / std, three fp32 steps. channel 0 is red. */
    public float normalised(int channel, int value) {
        return table[Objects.checkIndex(channel, 3) * 256 + Objects.checkIndex(value, 256)];
    }

    private Frame[] frames(Picture picture) {
        return Frame.of(picture.height(), picture.width(), height, width, resizeMode, picture.source());
    }

    private Interpolation filter() {
        return resizeMode == ResizeMode.SHORTEST && height != width ? Interpolation.BICUBIC : interpolation;
    }

    private boolean fillIsUniform() {
        return fill[0] == fill[1] && fill[1] == fill[2];
    }

    /**
     * Whether one native call does it all: no conversion between resizing and normalising but from one channel to
     * three.
     */
    private boolean canFuse(Picture picture, Frame[] frames) {
        boolean mode = picture.mode() == PixelMode.RGB || picture.mode() == PixelMode.GREY;
        return mode && filter() != Interpolation.NEAREST && !Resampler.verticalFirst(frames[0], frames[1]);
    }

    private void fused(Picture picture, Frame[] frames, MemorySegment destination, Scratch scratch) {
        if (!destination.isNative() || destination.address() % Float.BYTES != 0) {
            try (NativeMemory copy = NativeMemory.allocate(tensorBytes())) {
                fused(picture, frames, copy.segment(), scratch);
                MemorySegment.copy(copy.segment(), 0, destination, 0, tensorBytes());
            }
            return;
        }
        long plane = (long) height * width;
        Frame rows = frames[0];
        Frame columns = frames[1];
        if (rows.count() < height || columns.count() < width) {
            paintTensor(destination);
        }
        long start = (long) rows.at() * width + columns.at();
        try {
            resampler.normalised(
                    picture.memory(),
                    picture.mode().bytesPerPixel(),
                    rows,
                    columns,
                    filter(),
                    table,
                    destination.asSlice(4 * start),
                    width,
                    plane,
                    scratch);
        } catch (ArithmeticException | OutOfMemoryError e) {
            throw Resampler.tooLarge(picture, rows, columns, e);
        }
    }

    private void paintTensor(MemorySegment destination) {
        long plane = (long) height * width;
        for (long i = 0; i < 3 * plane; i++) {
            int channel = (int) (i / plane);
            int value = resizeMode == ResizeMode.LONGEST ? fill[channel] : 0;
            destination.set(FLOAT, 4 * i, table[channel * 256 + value]);
        }
    }

    private void normalise(byte[] rgb, MemorySegment destination) {
        int plane = height * width;
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < plane; i++) {
                float value = table[c * 256 + (rgb[3 * i + c] & 255)];
                destination.set(FLOAT, 4L * ((long) c * plane + i), value);
            }
        }
    }

    private byte[] padded(byte[] part, PixelMode mode, Frame[] frames) {
        Frame rows = frames[0];
        Frame columns = frames[1];
        if (rows.count() == height && columns.count() == width) {
            return part;
        }
        int size = mode.bytesPerPixel();
        byte[] out = new byte[Math.multiplyExact(height, width * size)];
        if (resizeMode == ResizeMode.LONGEST) {
            paint(out, mode);
        }
        for (int y = 0; y < rows.count(); y++) {
            System.arraycopy(
                    part,
                    y * columns.count() * size,
                    out,
                    ((rows.at() + y) * width + columns.at()) * size,
                    columns.count() * size);
        }
        return out;
    }

    private void paint(byte[] out, PixelMode mode) {
        switch (mode) {
            case BILEVEL -> Arrays.fill(out, (byte) (fill[0] != 0 ? 255 : 0));
            case GREY16 -> {
                for (int i = 0; i < out.length; i += 2) {
                    out[i] = (byte) fill[0];
                }
            }
            case RGB -> {
                for (int i = 0; i < out.length; i++) {
                    out[i] = (byte) fill[i % 3];
                }
            }
            default -> Arrays.fill(out, (byte) fill[0]);
        }
    }

    private static float[] table(float[] mean, float[] std) {
        float[] table = new float[3 * 256];
        for (int i = 0; i < table.length; i++) {
            table[i] = ((i % 256) / 255f - mean[i / 256]) / std[i / 256];
        }
        return table;
    }

    /** Settings of a preprocessor. Not for two threads at once. */
    public static final class Builder {
        private int height = 224;
        private int width = 224;
        private ResizeMode resizeMode = ResizeMode.SHORTEST;
        private Interpolation interpolation = Interpolation.BICUBIC;
        private int[] fill = {0, 0, 0};
        private float[] mean = {0.48145466f, 0.4578275f, 0.40821073f};
        private float[] std = {0.26862954f, 0.26130258f, 0.27577711f};
        private PictureReader reader = PictureReader.standard();

        private Builder() {}

        /** Rows and columns of the result, 1 to 16384 each. */
        public Builder size(int height, int width) {
            if (height < 1 || width < 1 || height > 16384 || width > 16384) {
                throw new IllegalArgumentException("size " + height + " x " + width + ", wanted 1 to 16384 each");
            }
            this.height = height;
            this.width = width;
            return this;
        }

        /** How the picture is brought to the size. */
        public Builder resizeMode(ResizeMode mode) {
            this.resizeMode = mode;
            return this;
        }

        /**
         * The filter. As in open_clip it does not count for "shortest" with a size that is not square: that is always
         * bicubic.
         */
        public Builder interpolation(Interpolation filter) {
            this.interpolation = filter;
            return this;
        }

        /**
         * What "longest" leaves free, each 0 to 255. Three equal values are laid around the picture in its own mode, as
         * the reference does (a palette picture takes it as an index); for unequal ones the reference fails with
         * anything but RGB, and here they are RGB.
         */
        public Builder fillColor(int red, int green, int blue) {
            if ((red | green | blue) >>> 8 != 0) {
                throw new IllegalArgumentException(
                        "fill colour " + red + "," + green + "," + blue + ", wanted 0 to 255");
            }
            this.fill = new int[] {red, green, blue};
            return this;
        }

        /** Three means of values scaled to 0 to 1, red first. */
        public Builder mean(float... values) {
            this.mean = three("mean", values);
            return this;
        }

        /** Three standard deviations of values scaled to 0 to 1, red first, not zero. */
        public Builder std(float... values) {
            for (float value : values) {
                if (value == 0) {
                    throw new IllegalArgumentException("std holds a zero: " + Arrays.toString(values));
                }
            }
            this.std = three("std", values);
            return this;
        }

        /** How {@link Preprocessor#toTensors} reads files and encoded bytes. */
        public Builder reader(PictureReader pictureReader) {
            this.reader = pictureReader;
            return this;
        }

        /** The preprocessor; the builder can be used on. */
        public Preprocessor build() {
            return new Preprocessor(this);
        }

        private static float[] three(String name, float[] values) {
            if (values.length != 3) {
                throw new IllegalArgumentException(name + " has " + values.length + " values, wanted 3");
            }
            for (float value : values) {
                if (!Float.isFinite(value)) {
                    throw new IllegalArgumentException(name + " holds " + value);
                }
            }
            return values.clone();
        }
    }
}
