package jclip.model;

import java.util.List;
import jclip.checkpoint.Architecture;
import jclip.graph.DType;
import jclip.graph.Graph;
import jclip.graph.Parameter;
import jclip.graph.Tensor;
import jclip.graph.op.Activation;
import jclip.graph.op.Add;
import jclip.graph.op.Attention;
import jclip.graph.op.AttentionPoolTokens;
import jclip.graph.op.AvgPool;
import jclip.graph.op.BatchNorm;
import jclip.graph.op.BatchNormTrain;
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
    /** The share of a batch's statistics in the running ones, as in the reference. */
    private static final double MOMENTUM = 0.1;

    private final Graph graph;
    private final double epsilon;
    private final boolean frozenStatistics;

    private ModifiedResNet(Graph graph, double epsilon, boolean frozenStatistics) {
        this.graph = graph;
        this.epsilon = epsilon;
        this.frozenStatistics = frozenStatistics;
    }

    /** Input {@code pixels} [batch, 3, size, size]; outputs {@code image_features} and {@code image_embeds} [batch, embedDim]. */
    static Graph record(Architecture architecture, Architecture.ResNet net, int batch) {
        Graph graph = new Graph("image tower, batch " + batch);
        Head.finish(graph, "image_embeds", record(graph, architecture, net, batch, true), null);
        return graph;
    }

    /**
     * Records the network up to the features [batch, embedDim].
     *
     * @param frozenStatistics in training: normalise with the running statistics and leave them
     */
    static Tensor record(
            Graph graph, Architecture architecture, Architecture.ResNet net, int batch, boolean frozenStatistics) {
        Tensor pixels = graph.input("pixels", DType.F32, batch, 3, net.imageSize(), net.imageSize());
        return new ModifiedResNet(graph, net.eps(), frozenStatistics).network(architecture, net, pixels);
    }

    private Tensor network(Architecture architecture, Architecture.ResNet net, Tensor pixels) {
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
        return attentionPool(architecture, net, x);
    }

    private Tensor convolution(
            String label, Tensor x, Conv2d.Layout layout, String name, String norm, long out, long in, long stride) {
        if (graph.isTraining()) {
            Tensor weight = graph.parameter(Parameter.convolution(name + ".weight", null, out, in, 3));
            Conv2d plain = new Conv2d(x, layout, weight, null, null, stride, 1, Nonlinearity.IDENTITY);
            return normalised(label, graph.record(label + ".conv", plain), norm, null, Nonlinearity.RELU);
        }
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
        if (graph.isTraining()) {
            Tensor weight = graph.weight(Parameter.gemm(name + ".weight", out, x.width()));
            Gemm plain = new Gemm(x, weight, null, null, Nonlinearity.IDENTITY, null, graph.precision());
            return normalised(label, graph.record(label + ".conv", plain), norm, residual, activation);
        }
        return graph.record(
                label,
                new Gemm(
                        x,
                        graph.weight(Parameter.gemmFolded(name + ".weight", norm, out, x.width())),
                        graph.parameter(Parameter.foldedBias(norm, out)),
                        residual,
                        activation,
                        null,
                        graph.precision()));
    }

    /** In training nothing is folded: normalisation (with the batch's or the running statistics), residual, activation. */
    private Tensor normalised(String label, Tensor x, String norm, @Nullable Tensor residual, Nonlinearity activation) {
        Tensor weight = statistic(norm + ".weight", x);
        Tensor bias = statistic(norm + ".bias", x);
        Tensor mean = statistic(norm + ".running_mean", x);
        Tensor variance = statistic(norm + ".running_var", x);
        Tensor y;
        if (frozenStatistics) {
            y = graph.record(label + ".norm", new BatchNorm(x, weight, bias, mean, variance, epsilon));
            y = residual == null ? y : graph.record(label + ".sum", new Add(y, residual));
        } else {
            BatchNormTrain train = new BatchNormTrain(x, weight, bias, residual, mean, variance, epsilon, MOMENTUM);
            y = graph.record(List.of(label + ".norm", label + ".mean", label + ".inverse"), train)
                    .getFirst();
        }
        return activation == Nonlinearity.IDENTITY ? y : graph.record(label, new Activation(y, activation));
    }

    private Tensor statistic(String name, Tensor x) {
        return graph.parameter(Parameter.plain(name, x.width()));
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
    private Tensor attentionPool(Architecture architecture, Architecture.ResNet net, Tensor x) {
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
        return linear("image_features", attended, w + "c_proj", architecture.embedDim());
    }

    private Tensor linear(String label, Tensor x, String name, long out) {
        return graph.record(
                label,
                new Gemm(
                        x,
                        graph.weight(Parameter.gemm(name + ".weight", out, x.width())),
                        graph.parameter(Parameter.plain(name + ".bias", out)),
                        null,
                        Nonlinearity.IDENTITY,
                        null,
                        graph.precision()));
    }
}
