package jclip.graph;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One operator, recorded: a Java record of its inputs and settings. {@link #operator} names the function and argument struct in {@code
 * jclip.h}. A user's own operator is a record of this kind, too.
 */
public interface Op {
    /** {@code layer_norm} for {@code jc_layer_norm}. */
    String operator();

    /** What is read; nulls (absent optional inputs) are skipped. */
    Stream<@Nullable Tensor> inputs();

    /** What is produced, in the order of the tensors that {@link Graph#record} returns. */
    List<Output> outputs();

    /** Writes every field of the argument struct but the workspace. */
    void write(Fields fields, List<Tensor> outputs);

    /**
     * An output of an operator.
     *
     * @param reuses an input whose memory the output may take if nobody reads that later, or null
     */
    record Output(DType type, List<Long> shape, @Nullable Tensor reuses) {
        public static Output f32(long... shape) {
            return new Output(DType.F32, java.util.Arrays.stream(shape).boxed().toList(), null);
        }

        public Output reusing(@Nullable Tensor tensor) {
            return new Output(type, shape, tensor);
        }
    }

    /** An argument struct being written; a field may be written once, by the header's name. */
    interface Fields {
        /** The address of a tensor; null writes a null pointer where the header allows it. */
        Fields set(String field, @Nullable Tensor tensor);

        Fields set(String field, long value);

        Fields set(String field, double value);
    }
}
