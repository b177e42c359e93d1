package jclip.model;

import java.util.List;

/**
 * A copy of an activation.
 *
 * @param shape row-major sizes as the graph has them (NHWC in convolutions)
 * @param data all elements
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record TensorValues(List<Long> shape, float[] data) {
    /** Copies the shape. */
    public TensorValues {
        shape = List.copyOf(shape);
    }
}
