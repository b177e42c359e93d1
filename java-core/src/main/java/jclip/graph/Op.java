package jclip.graph;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import jclip.backend.Header;
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
     * Records the gradients of the inputs, given those of the outputs: the other half of this operator.
     *
     * @param outputs what this operator produced in the graph that is differentiated
     * @throws UnsupportedOperationException if this operator cannot be differentiated
     */
    default void gradient(List<Tensor> outputs, Gradients gradients) {
        throw new UnsupportedOperationException(operator() + " (" + outputs + ") has no gradient");
    }

    /** An operator computed in Java, on the CPU only: the program is split there. */
    interface InJava extends Op {
        /**
         * Computes.
         *
         * @param inputs the memory of {@link #inputs}, nulls skipped: native byte order, row-major; read only, unless it is a gradient that
         *     accumulates
         * @param outputs the memory of {@link #outputs}, to be written whole
         */
        void compute(List<MemorySegment> inputs, List<MemorySegment> outputs);

        @Override
        default void write(Fields fields, List<Tensor> outputs) {
            throw new UnsupportedOperationException(operator() + " has no argument struct");
        }
    }

    /** An operator in a C function of the user's own, with the signature that all operators share. */
    interface Foreign extends Op {
        /** Address of {@code int32_t f(jc_context*, const args*)}; it must live as long as the program. */
        MemorySegment function();

        /** Its argument struct: {@link Header.Struct#parse}. */
        Header.Struct arguments();
    }

    /** An operator whose output is the loss itself: its gradient needs none to arrive. */
    interface Loss extends Op {}

    /**
     * An output of an operator.
     *
     * @param reuses an input whose memory the output may take if nobody reads that later, or null
     * @param form how it is laid out: plain, or packed for one operator
     */
    record Output(DType type, List<Long> shape, @Nullable Tensor reuses, Parameter.Form form) {
        public Output(DType type, List<Long> shape, @Nullable Tensor reuses) {
            this(type, shape, reuses, Parameter.Form.PLAIN);
        }

        public static Output f32(long... shape) {
            return new Output(DType.F32, java.util.Arrays.stream(shape).boxed().toList(), null);
        }

        public Output reusing(@Nullable Tensor tensor) {
            return new Output(type, shape, tensor, form);
        }

        /** A weight in a library's own layout; shape as operators see it. */
        public static Output packed(Parameter.Form form, long... shape) {
            return new Output(DType.F32, f32(shape).shape, null, form);
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
