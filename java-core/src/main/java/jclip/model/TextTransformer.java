package jclip.model;

import jclip.checkpoint.Architecture;
import jclip.graph.DType;
import jclip.graph.Graph;
import jclip.graph.Parameter;
import jclip.graph.Tensor;
import jclip.graph.op.Attention;
import jclip.graph.op.Embedding;
import jclip.graph.op.GatherRows;

/** The text tower over packed sequences: tokens of all texts one after the other, each text pooled at one of its tokens. */
final class TextTransformer {
    /** Columns of a sequence table: q_first, q_count, kv_first, kv_count. */
    static final int TABLE_COLUMNS = 4;

    // Order of the graph's inputs.
    static final int IDS = 0;
    static final int POSITIONS = 1;
    static final int TABLE = 2;
    static final int POOLED_TABLE = 3;
    static final int POOLED = 4;
    static final int LIVE_TOKENS = 5;
    static final int LIVE_SEQUENCES = 6;

    private TextTransformer() {}

    /**
     * Inputs, all int32 but the counts: {@code ids}, {@code positions} [tokens]; {@code table}, {@code pooled_table} [sequences, 4];
     * {@code pooled} [sequences], the token that is pooled; {@code live_tokens}, {@code live_sequences} int64 [1]. Outputs {@code
     * text_features} and {@code text_embeds} [sequences, embedDim].
     *
     * @param sequences at most this many texts in a run
     * @param tokens at most this many tokens of all texts together
     */
    static Graph record(Architecture architecture, int sequences, int tokens, Shortcuts shortcuts) {
        Graph graph = new Graph("text tower, " + sequences + " texts, " + tokens + " tokens");
        Tensor features = record(graph, architecture, sequences, tokens, shortcuts);
        Head.finish(graph, "text_embeds", features, graph.tensor("live_sequences"));
        return graph;
    }

    /** Records the tower up to the features [sequences, embedDim]. */
    static Tensor record(Graph graph, Architecture architecture, int sequences, int tokens, Shortcuts shortcuts) {
        Architecture.Text text = architecture.text();
        long width = text.width();
        Tensor ids = graph.input("ids", DType.I32, tokens);
        Tensor positions = graph.input("positions", DType.I32, tokens);
        Tensor table = graph.input("table", DType.I32, sequences, TABLE_COLUMNS);
        Tensor pooledTable = graph.input("pooled_table", DType.I32, sequences, TABLE_COLUMNS);
        Tensor pooledIndex = graph.input("pooled", DType.I32, sequences);
        Tensor liveTokens = graph.input("live_tokens", DType.I64, 1);
        Tensor liveSequences = graph.input("live_sequences", DType.I64, 1);
        Tensor x = graph.record(
                "text.embed",
                new Embedding(
                        ids,
                        positions,
                        graph.parameter(Parameter.plain("token_embedding.weight", text.vocabSize(), width)),
                        graph.parameter(Parameter.plain("positional_embedding", text.contextLength(), width)),
                        liveTokens));
        Transformer transformer = new Transformer(
                graph,
                "transformer.resblocks.",
                "text.block.",
                width,
                text.heads(),
                text.mlpWidth(),
                architecture.activation(),
                text.eps(),
                true);
        int longest = Math.min(tokens, text.contextLength());
        Attention.Sequences all = new Attention.Sequences(sequences, longest, longest, table, liveSequences);
        for (int i = 0; i < text.layers() - 1; i++) {
            x = transformer.block(i, x, all, liveTokens);
        }
        Transformer.Pool endToken =
                (name, t) -> graph.record(name, new GatherRows(t, pooledIndex, sequences, 1, liveSequences));
        int last = text.layers() - 1;
        Tensor pooled;
        if (shortcuts.pooledToken()) {
            Attention.Sequences one = new Attention.Sequences(sequences, 1, longest, pooledTable, liveSequences);
            Tensor y = transformer.lastBlock(last, x, endToken, one, liveTokens, liveSequences);
            pooled = transformer.layerNorm("text.pooled", y, "ln_final", liveSequences);
        } else {
            Tensor y = transformer.lastBlock(last, x, (name, t) -> t, all, liveTokens, liveTokens);
            pooled = endToken.pick("text.pooled", transformer.layerNorm("text.ln_final", y, "ln_final", liveTokens));
        }
        return Head.project(graph, "text_features", pooled, "text_projection", architecture.embedDim(), liveSequences);
    }
}
