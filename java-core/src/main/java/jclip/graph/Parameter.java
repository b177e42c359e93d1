package jclip.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tensor that a model owns, and the form in which its operators want it.
 *
 * @param name of the checkpoint's tensor; for {@link Form#FOLDED_BIAS} of the normalisation
 * @param form how it is laid out
 * @param shape as operators see it: {@code PLAIN} any; {@code GEMM} and {@code GEMM_TRANSPOSED} [n, k]; {@code CONVOLUTION} [out, in, kernel,
 *     kernel]; {@code FOLDED_BIAS} [channels]
 * @param firstRow {@code GEMM}: the first of the n rows taken from the checkpoint's matrix
 * @param batchNorm name of the batch normalisation folded into the weights, or null
 */
public record Parameter(
        String name,
        Form form,
        List<Long> shape,
        long firstRow,
        @Nullable String batchNorm) {
    /** Layouts of parameters. */
    public enum Form {
        /** As in the checkpoint. */
        PLAIN,
        /** Packed for the GEMM; the checkpoint holds [n, k]. */
        GEMM,
        /** Packed for the GEMM; the checkpoint holds [k, n]. */
        GEMM_TRANSPOSED,
        /** Packed for the convolution; the checkpoint holds OIHW. */
        CONVOLUTION,
        /** Derived: bias - mean * weight / sqrt(variance + epsilon) of a batch normalisation. */
        FOLDED_BIAS,
        /** The loss's gradient with respect to the plain tensor, laid out like that. */
        GRADIENT
    }

    public static Parameter plain(String name, long... shape) {
        return new Parameter(name, Form.PLAIN, sizes(shape), 0, null);
    }

    public static Parameter gemm(String name, long n, long k) {
        return new Parameter(name, Form.GEMM, sizes(n, k), 0, null);
    }

    /** Rows [firstRow, firstRow + n) of a larger matrix. */
    public static Parameter gemmRows(String name, long firstRow, long n, long k) {
        return new Parameter(name, Form.GEMM, sizes(n, k), firstRow, null);
    }

    public static Parameter gemmTransposed(String name, long n, long k) {
        return new Parameter(name, Form.GEMM_TRANSPOSED, sizes(n, k), 0, null);
    }

    /** A 1x1 convolution with its normalisation folded in. */
    public static Parameter gemmFolded(String name, String batchNorm, long n, long k) {
        return new Parameter(name, Form.GEMM, sizes(n, k), 0, batchNorm);
    }

    public static Parameter convolution(String name, @Nullable String batchNorm, long out, long in, long kernel) {
        return new Parameter(name, Form.CONVOLUTION, sizes(out, in, kernel, kernel), 0, batchNorm);
    }

    public static Parameter foldedBias(String batchNorm, long channels) {
        return new Parameter(batchNorm, Form.FOLDED_BIAS, sizes(channels), 0, batchNorm);
    }

    /** A slice [first, first + count) of a vector. */
    public static Parameter slice(String name, long first, long count) {
        return new Parameter(name, Form.PLAIN, sizes(count), first, null);
    }

    /**
     * The checkpoint's own tensor (or rows of it) behind a packed form, as training reads it.
     *
     * @throws IllegalArgumentException if a batch normalisation is folded in, or this is no form of one tensor
     */
    public Parameter unpacked() {
        if (batchNorm != null || form == Form.FOLDED_BIAS || form == Form.GRADIENT) {
            throw new IllegalArgumentException(this + " is derived; there is no plain tensor behind it");
        }
        List<Long> sizes = form == Form.GEMM_TRANSPOSED ? shape.reversed() : shape;
        return new Parameter(name, Form.PLAIN, List.copyOf(sizes), firstRow, null);
    }

    /** The gradient of a plain parameter. */
    public Parameter gradient() {
        if (form != Form.PLAIN) {
            throw new IllegalArgumentException(this + " is not plain; only plain parameters have gradients");
        }
        return new Parameter(name, Form.GRADIENT, shape, firstRow, null);
    }

    /** Elements before the first one of this part of the checkpoint's tensor. */
    public long firstElement() {
        return firstRow * shape.stream().skip(1).reduce(1L, Math::multiplyExact);
    }

    private static List<Long> sizes(long... shape) {
        return java.util.Arrays.stream(shape).boxed().toList();
    }

    @Override
    public String toString() {
        String from = firstRow == 0 ? "" : "@" + firstRow;
        return name + from + (form == Form.PLAIN ? "" : "!" + form);
    }
}
