package jclip.graph;

import java.util.List;
import java.util.Locale;
import jclip.backend.CallLine;
import org.jspecify.annotations.Nullable;

/** {@code JCLIP_VERBOSE=1}: one line for each executed operator on the error stream; the line can be run again by {@code jclip op}. */
final class Trace {
    private Trace() {}

    static @Nullable Trace fromEnvironment() {
        return "1".equals(System.getenv("JCLIP_VERBOSE")) ? new Trace() : null;
    }

    /** Lines of all nodes, before they run: later the memory of the integers that they read may hold something else. */
    List<String> lines(Program program) {
        return program.plan().graph().nodes().stream()
                .map(node -> line(program, node))
                .toList();
    }

    void print(Program program, List<String> lines) {
        StringBuilder text = new StringBuilder();
        for (Graph.Node node : program.plan().graph().nodes()) {
            text.append(lines.get(node.index()))
                    .append(String.format(Locale.ROOT, " # %.1f us%n", program.nanos(node) / 1e3));
        }
        System.err.print(text);
    }

    private static String line(Program program, Graph.Node node) {
        if (node.op() instanceof Op.InJava || node.op() instanceof Op.Foreign) {
            return node.op().operator() + " " + node.outputs(); // nothing that `jclip op` could run again
        }
        CallLine line = new CallLine(
                program.context().library().header().struct(node.op().operator()),
                program.context().isa(),
                program.arguments(node));
        Op.Fields shapes = new Op.Fields() {
            @Override
            public Op.Fields set(String field, @Nullable Tensor tensor) {
                if (tensor != null) {
                    line.pointer(field, packing(tensor), extent(tensor));
                }
                return this;
            }

            @Override
            public Op.Fields set(String field, long value) {
                return this;
            }

            @Override
            public Op.Fields set(String field, double value) {
                return this;
            }
        };
        node.op().write(shapes, node.outputs());
        return line.toString();
    }

    /** Elements from the tensor's first to its last. */
    private static long extent(Tensor tensor) {
        return (tensor.rows() - 1) * tensor.rowStride() + tensor.width();
    }

    private static String packing(Tensor tensor) {
        List<Long> shape = tensor.shape();
        return switch (tensor.form()) {
            case PLAIN, FOLDED_BIAS, GRADIENT -> "";
            case GEMM, GEMM_TRANSPOSED -> "gemm_pack:" + shape.get(0) + "x" + shape.get(1);
            case CONVOLUTION -> "conv2d_pack:" + shape.get(0) + "x" + shape.get(1) + "x" + shape.get(2);
        };
    }
}
