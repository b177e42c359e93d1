package jclip.model;

import java.util.List;
import jclip.checkpoint.Architecture;
import jclip.graph.DType;
import jclip.graph.Graph;
import jclip.graph.Parameter;
import jclip.graph.Tensor;
import jclip.graph.op.Attention;
import jclip.graph.op.AttentionPoolTokens;
import jclip.graph.op.AvgPool;
import jclip.graph.op.Conv2d;
import jclip.graph.op.GatherRows;
import jclip.graph.op.Gemm;
import jclip.graph.op.Nonlinearity;
import org.jspecify.annotations.Nullable;

/**
 * CLIP's ResNet: a stem of three convolutions and an average pool, four stages of bottlenecks whose stride is an average pool, and an
 * attention pool at the end. Batch normalisations are folded into the convolutions; NHWC throughout.
 */
final class ModifiedResNet {
    private final Graph graph;

    private ModifiedResNet(Graph graph) {
        this.graph = graph;
    }

    /** Input {@code pixels} [batch, 3, size, size]; outputs {@code image_features} and {@code image_embeds} [batch, embedDim]. */
    static Graph record(Architecture architecture, Architecture.ResNet net, int batch) {
        Graph graph = new Graph("image tower, batch " + batch);
        Tensor pixels = graph.input("pixels", DType.F32, batch, 3, net.imageSize(), net.imageSize());
        new ModifiedResNet(graph).network(architecture, net, pixels);
        return graph;
    }

    private void network(Architecture architecture, Architecture.ResNet net, Tensor pixels) {
        long width = net.width();
        Tensor x =
                convolution("visual.stem1", pixels, Conv2d.Layout.NCHW, "visual.conv1", "visual.bn1", width / 2, 3, 2);
        x = convolution("visual.stem2", x, Conv2d.Layout.NHWC, "visual.conv2", "visual.bn2", width / 2, width / 2, 1);
        x = convolution("visual.stem3", x, Conv2d.Layout.NHWC, "visual.conv3", "visual.bn3", width, width / 2, 1);
        x = graph.record("visual.stem", new AvgPool(x, 2));
        List<Integer> layers = net.layers();
        for (int stage = 0; stage < layers.size(); stage++) {
            for (int block = 0; block < layers.get(stage); block++) {
                long stride = block == 0 && stage > 0 ? 2 : 1;
                x = bottleneck("visual.layer" + (stage + 1) + "." + block, x, width << stage, stride, block == 0);
            }
        }
        attentionPool(architecture, net, x);
    }

    private Tensor convolution(
            String label, Tensor x, Conv2d.Layout layout, String name, String norm, long out, long in, long stride) {
        return graph.record(
                label,
                new Conv2d(
                        x,
                        layout,
                        graph.parameter(Parameter.convolution(name + ".weight", norm, out, in, 3)),
                        graph.parameter(Parameter.foldedBias(norm, out)),
                        null,
                        stride,
                        1,
                        Nonlinearity.RELU));
    }

    /** A 1x1 convolution is a matrix product over pixels; [batch, height, width, in] to [batch * height * width, out]. */
    private Tensor pointwise(
            String label,
            Tensor x,
            String name,
            String norm,
            long out,
            @Nullable Tensor residual,
            Nonlinearity activation) {
        return graph.record(
                label,
                new Gemm(
                        x,
                        graph.parameter(Parameter.gemmFolded(name + ".weight", norm, out, x.width())),
                        graph.parameter(Parameter.foldedBias(norm, out)),
                        residual,
                        activation,
                        null));
    }

    private Tensor bottleneck(String label, Tensor x, long planes, long stride, boolean downsample) {
        long batch = x.shape().get(0);
        long height = x.shape().get(1);
        long width = x.shape().get(2);
        String l = label + ".";
        Tensor y = pointwise(l + "conv1", x, l + "conv1", l + "bn1", planes, null, Nonlinearity.RELU)
                .reshaped(batch, height, width, planes);
        y = convolution(l + "conv2", y, Conv2d.Layout.NHWC, l + "conv2", l + "bn2", planes, planes, 1);
        Tensor identity = x;
        if (stride > 1) {
            y = graph.record(l + "pool", new AvgPool(y, stride));
            identity = graph.record(l + "downsample.pool", new AvgPool(x, stride));
        }
        if (downsample) {
            identity = pointwise(
                    l + "downsample",
                    identity,
                    l + "downsample.0",
                    l + "downsample.1",
                    4 * planes,
                    null,
                    Nonlinearity.IDENTITY);
        }
        Tensor sum = pointwise(label, y, l + "conv3", l + "bn3", 4 * planes, identity, Nonlinearity.RELU);
        return sum.reshaped(batch, height / stride, width / stride, 4 * planes);
    }

    /** One query, the mean pixel, over all pixels and itself. */
    private void attentionPool(Architecture architecture, Architecture.ResNet net, Tensor x) {
        long batch = x.shape().get(0);
        long tokens = 1 + x.shape().get(1) * x.shape().get(2);
        long width = x.width();
        String w = "visual.attnpool.";
        Tensor all = graph.record(
                w + "tokens",
                new AttentionPoolTokens(
                        x, graph.parameter(Parameter.plain(w + "positional_embedding", tokens, width))));
        Tensor keys = linear(w + "k", all, w + "k_proj", width);
        Tensor values = linear(w + "v", all, w + "v_proj", width);
        Tensor mean = graph.record(w + "mean", GatherRows.every(all, tokens));
        Tensor queries = linear(w + "q", mean, w + "q_proj", width);
        Tensor attended = graph.record(
                w + "attention",
                new Attention(
                        queries,
                        keys,
                        values,
                        Attention.Sequences.dense(batch, 1, tokens),
                        net.heads(),
                        false,
                        1 / Math.sqrt(net.headDim())));
        Tensor features = linear("image_features", attended, w + "c_proj", architecture.embedDim());
        Head.finish(graph, "image_embeds", features, null);
    }

    private Tensor linear(String label, Tensor x, String name, long out) {
        return graph.record(
                label,
                new Gemm(
                        x,
                        graph.parameter(Parameter.gemm(name + ".weight", out, x.width())),
                        graph.parameter(Parameter.plain(name + ".bias", out)),
                        null,
                        Nonlinearity.IDENTITY,
                        null));
    }
}
