package jclip.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A handle to a value of a {@link Graph}: name, type and shape, row-major. It holds no data; a {@link Binding} knows where that lies.
 *
 * <p>Shapes are matrices [rows, width] wherever operators see them: an image tower's tokens are [batch * tokens, width]. A view shows some
 * columns of another tensor, with that one's row stride. Immutable.
 */
public final class Tensor {
    /** Where the values come from. */
    enum Kind {
        INPUT,
        PARAMETER,
        ACTIVATION,
        WORKSPACE
    }

    private final String name;
    private final Kind kind;
    private final DType type;
    private final List<Long> shape;
    private final Tensor base;
    private final long offset;
    private final long rowStride;
    private final @Nullable Parameter parameter;
    private final Parameter.Form form;

    private Tensor(
            String name,
            Kind kind,
            DType type,
            List<Long> shape,
            @Nullable Tensor base,
            long offset,
            long rowStride,
            @Nullable Parameter parameter,
            Parameter.Form form) {
        this.name = name;
        this.kind = kind;
        this.type = type;
        this.shape = shape;
        this.base = base == null ? this : base;
        this.offset = offset;
        this.rowStride = rowStride;
        this.parameter = parameter;
        this.form = form;
    }

    static Tensor of(String name, Kind kind, DType type, long... shape) {
        return of(name, kind, type, Parameter.Form.PLAIN, shape);
    }

    static Tensor of(String name, Kind kind, DType type, Parameter.Form form, long... shape) {
        return new Tensor(name, kind, type, checked(name, shape), null, 0, shape[shape.length - 1], null, form);
    }

    static Tensor of(Parameter parameter) {
        List<Long> shape = parameter.shape();
        return new Tensor(
                parameter.toString(),
                Kind.PARAMETER,
                DType.F32,
                shape,
                null,
                0,
                shape.getLast(),
                parameter,
                parameter.form());
    }

    private static List<Long> checked(String name, long[] shape) {
        List<Long> sizes = new ArrayList<>();
        for (long size : shape) {
            if (size < 1) {
                throw new IllegalArgumentException(
                        name + ": shape " + Arrays.toString(shape) + "; every size must be at least 1");
            }
            sizes.add(size);
        }
        return List.copyOf(sizes);
    }

    /**
     * Columns [from, from + count) of this matrix; no copy.
     *
     * @throws IllegalArgumentException if they are not all there
     */
    public Tensor columns(long from, long count) {
        if (shape.size() != 2 || from < 0 || count < 1 || from + count > width()) {
            throw new IllegalArgumentException(this + " has no columns " + from + " to " + (from + count));
        }
        return new Tensor(
                name + "[" + from + ":" + (from + count) + "]",
                kind,
                type,
                List.of(rows(), count),
                base,
                offset + from,
                rowStride,
                parameter,
                form);
    }

    /**
     * The same values under another shape of as many elements; no copy.
     *
     * @throws IllegalArgumentException if the counts differ, or this shows columns
     */
    public Tensor reshaped(long... sizes) {
        Tensor view = new Tensor(
                name, kind, type, checked(name, sizes), base, offset, sizes[sizes.length - 1], parameter, form);
        if (rowStride != width() || view.elements() != elements()) {
            throw new IllegalArgumentException(this + " cannot be seen as " + Arrays.toString(sizes));
        }
        return view;
    }

    /** Name as recorded; unique among a graph's inputs and activations. */
    public String name() {
        return name;
    }

    public DType type() {
        return type;
    }

    public List<Long> shape() {
        return shape;
    }

    /** Product of all sizes but the last. */
    public long rows() {
        return elements() / width();
    }

    /** The last size. */
    public long width() {
        return shape.getLast();
    }

    /** Elements from one row to the next: the width, or more in a view. */
    public long rowStride() {
        return rowStride;
    }

    /** Number of elements. */
    public long elements() {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /** Bytes of a dense copy. */
    public long bytes() {
        return elements() * type.bytes();
    }

    /** Whether this shows only a part of another tensor. */
    boolean isPart() {
        return base.elements() != elements();
    }

    /** The tensor of which this shows a part or another shape; itself if it is none. */
    public Tensor base() {
        return base;
    }

    /** Elements from the base's start. */
    public long offset() {
        return offset;
    }

    Kind kind() {
        return kind;
    }

    /** Plain, or packed for an operator (then the shape is what that sees, and the bytes are the library's affair). */
    public Parameter.Form form() {
        return form;
    }

    /**
     * What a parameter tensor is made from.
     *
     * @throws NullPointerException if this is no parameter
     */
    public Parameter parameter() {
        return Objects.requireNonNull(parameter, name);
    }

    @Override
    public String toString() {
        return name + ":" + type + shape;
    }
}
