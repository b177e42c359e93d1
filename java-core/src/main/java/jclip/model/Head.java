package jclip.model;

import jclip.graph.Graph;
import jclip.graph.Parameter;
import jclip.graph.Tensor;
import jclip.graph.op.Gemm;
import jclip.graph.op.L2Normalize;
import jclip.graph.op.Nonlinearity;
import org.jspecify.annotations.Nullable;

/** The end of every tower: projection into the shared space, and unit length. */
final class Head {
    /** As the reference's {@code F.normalize}. */
    private static final double EPSILON = 1e-12;

    private Head() {}

    /** Projection by a checkpoint's [width, embed] matrix. */
    static Tensor project(
            Graph graph, String name, Tensor pooled, String projection, long embedDim, @Nullable Tensor live) {
        Tensor weight = graph.weight(Parameter.gemmTransposed(projection, embedDim, pooled.width()));
        return graph.record(name, new Gemm(pooled, weight, null, null, Nonlinearity.IDENTITY, live, graph.precision()));
    }

    /** Marks the features and their unit-length form as the graph's outputs. */
    static void finish(Graph graph, String embedsName, Tensor features, @Nullable Tensor live) {
        graph.output(features);
        graph.output(normalised(graph, embedsName, features, live));
    }

    static Tensor normalised(Graph graph, String name, Tensor features, @Nullable Tensor live) {
        return graph.record(name, new L2Normalize(features, EPSILON, live));
    }
}
