package jclip.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A stored tensor's contiguous row-major values, little endian, not necessarily aligned.
 *
 * @param dtype element type
 * @param shape sizes from the outermost dimension; empty for a scalar
 * @param data the values; valid until the file that it came from is closed
 */
public record TensorView(DType dtype, List<Long> shape, MemorySegment data) {
    /** Copies the shape. */
    public TensorView {
        shape = List.copyOf(shape);
    }
}
