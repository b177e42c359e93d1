package jclip.model;

import jclip.checkpoint.Activation;
import jclip.graph.Graph;
import jclip.graph.Parameter;
import jclip.graph.Tensor;
import jclip.graph.op.Attention;
import jclip.graph.op.Gemm;
import jclip.graph.op.LayerNorm;
import jclip.graph.op.Nonlinearity;
import org.jspecify.annotations.Nullable;

/**
 * The residual attention blocks that both towers share: x + attention(ln_1(x)), then x + mlp(ln_2(x)).
 *
 * @param names prefix of the checkpoint's tensors, up to {@code resblocks.}
 * @param label prefix of the recorded activations
 */
record Transformer(
        Graph graph,
        String names,
        String label,
        long width,
        long heads,
        long mlpWidth,
        Activation activation,
        double epsilon,
        boolean causal) {
    /** One block over all rows. */
    Tensor block(int index, Tensor x, Attention.Sequences sequences, @Nullable Tensor live) {
        return graph.block(x, (g, in) -> on(g).inner(index, in, sequences, live));
    }

    private Transformer on(Graph other) {
        return new Transformer(other, names, label, width, heads, mlpWidth, activation, epsilon, causal);
    }

    private Tensor inner(int index, Tensor x, Attention.Sequences sequences, @Nullable Tensor live) {
        String w = names + index + ".";
        String l = label + index;
        Tensor normed = layerNorm(l + ".ln_1", x, w + "ln_1", live);
        Tensor qkv = linear(l + ".qkv", normed, w + "attn.in_proj_", 0, 3 * width, live);
        Tensor attended = graph.record(
                l + ".attention",
                new Attention(
                        qkv.columns(0, width),
                        qkv.columns(width, width),
                        qkv.columns(2 * width, width),
                        sequences,
                        heads,
                        causal,
                        scale()));
        return rest(l, w, attended, x, live);
    }

    /**
     * The last block. Keys and values come from all rows; the rest is computed for all rows, or only for those that {@code pool} picks.
     * Queries are a matrix of their own here in both cases, so that a model packs its weights once.
     */
    Tensor lastBlock(
            int index,
            Tensor x,
            Pool pool,
            Attention.Sequences sequences,
            @Nullable Tensor live,
            @Nullable Tensor liveQueries) {
        String w = names + index + ".";
        String l = label + index;
        Tensor normed = layerNorm(l + ".ln_1", x, w + "ln_1", live);
        Tensor keysValues = linear(l + ".kv", normed, w + "attn.in_proj_", width, 2 * width, live);
        Tensor queries =
                linear(l + ".q", pool.pick(l + ".pooled_ln_1", normed), w + "attn.in_proj_", 0, width, liveQueries);
        Tensor attended = graph.record(
                l + ".attention",
                new Attention(
                        queries,
                        keysValues.columns(0, width),
                        keysValues.columns(width, width),
                        sequences,
                        heads,
                        causal,
                        scale()));
        return rest(l, w, attended, pool.pick(l + ".pooled", x), liveQueries);
    }

    /** Picks the pooled rows of a matrix, or returns it as it is. */
    interface Pool {
        Tensor pick(String name, Tensor x);
    }

    private Tensor rest(String l, String w, Tensor attended, Tensor x, @Nullable Tensor live) {
        Tensor projected = graph.record(
                l + ".attended",
                new Gemm(
                        attended,
                        graph.weight(Parameter.gemm(w + "attn.out_proj.weight", width, width)),
                        graph.parameter(Parameter.plain(w + "attn.out_proj.bias", width)),
                        x,
                        Nonlinearity.IDENTITY,
                        live,
                        graph.precision()));
        Tensor normed = layerNorm(l + ".ln_2", projected, w + "ln_2", live);
        Tensor hidden = hidden(l, w, normed, live);
        return graph.record(
                l,
                new Gemm(
                        hidden,
                        graph.weight(Parameter.gemm(w + "mlp.c_proj.weight", width, mlpWidth)),
                        graph.parameter(Parameter.plain(w + "mlp.c_proj.bias", width)),
                        projected,
                        Nonlinearity.IDENTITY,
                        live,
                        graph.precision()));
    }

    /** The activation is the product's epilogue; in training, whose gradient wants its input, a node of its own. */
    private Tensor hidden(String l, String w, Tensor normed, @Nullable Tensor live) {
        Nonlinearity function = activation == Activation.GELU ? Nonlinearity.GELU : Nonlinearity.QUICK_GELU;
        boolean apart = graph.isTraining();
        Tensor product = graph.record(
                apart ? l + ".fc" : l + ".hidden",
                new Gemm(
                        normed,
                        graph.weight(Parameter.gemm(w + "mlp.c_fc.weight", mlpWidth, width)),
                        graph.parameter(Parameter.plain(w + "mlp.c_fc.bias", mlpWidth)),
                        null,
                        apart ? Nonlinearity.IDENTITY : function,
                        live,
                        graph.precision()));
        return apart ? graph.record(l + ".hidden", new jclip.graph.op.Activation(product, function)) : product;
    }

    Tensor layerNorm(String name, Tensor x, String weights, @Nullable Tensor live) {
        return graph.record(
                name,
                new LayerNorm(
                        x,
                        graph.parameter(Parameter.plain(weights + ".weight", width)),
                        graph.parameter(Parameter.plain(weights + ".bias", width)),
                        epsilon,
                        live));
    }

    private Tensor linear(String name, Tensor x, String weights, long firstRow, long rows, @Nullable Tensor live) {
        return graph.record(
                name,
                new Gemm(
                        x,
                        graph.weight(Parameter.gemmRows(weights + "weight", firstRow, rows, width)),
                        graph.parameter(Parameter.slice(weights + "bias", firstRow, rows)),
                        null,
                        Nonlinearity.IDENTITY,
                        live,
                        graph.precision()));
    }

    private double scale() {
        return 1 / Math.sqrt((double) width / heads);
    }
}
