package jclip.bench;

import java.util.stream.IntStream;
import jclip.backend.Context;

/**
 * Attention over sequences, q, k and v being columns of one matrix as in the towers. Packed: sequences of differing lengths, 8 to
 * {@code tokens}, one after the other.
 */
record AttentionCase(int sequences, int tokens, int heads, int headDim, boolean causal, boolean packed)
        implements Case {
    static AttentionCase of(Line line) {
        return new AttentionCase(
                (int) line.get("sequences", 1),
                (int) line.get("tokens"),
                (int) line.get("heads"),
                (int) line.get("head_dim", 64),
                line.get("causal", 0) == 1,
                line.get("packed", 0) == 1);
    }

    private int[] lengths() {
        return IntStream.range(0, sequences)
                .map(s -> packed ? 8 + s * 29 % (tokens - 7) : tokens)
                .toArray();
    }

    private long rows() {
        return IntStream.of(lengths()).asLongStream().sum();
    }

    @Override
    public Amount amount() {
        double pairs = IntStream.of(lengths())
                .mapToDouble(n -> causal ? 0.5 * n * (n + 1) : (double) n * n)
                .sum();
        return new Amount(4 * pairs * headDim * heads, 4.0 * rows() * 4 * heads * headDim);
    }

    @Override
    public Work open(Context context) {
        long width = (long) heads * headDim;
        Work work = new Work(context, "attention");
        var qkv = work.floats(rows() * 3 * width);
        work.set("q", qkv).set("k", qkv.asSlice(4 * width)).set("v", qkv.asSlice(8 * width));
        work.set("y", work.bytes(4 * rows() * width)).set("rows", rows()).set("sequences", sequences);
        work.set("q_tokens", tokens)
                .set("kv_tokens", tokens)
                .set("heads", heads)
                .set("head_dim", headDim);
        work.set("ldq", 3 * width).set("ldk", 3 * width).set("ldv", 3 * width).set("ldy", width);
        work.set("causal", causal ? 1 : 0).set("scale", 1 / Math.sqrt(headDim));
        if (packed) {
            work.set("table", work.ints(table()));
        }
        return work.withWorkspace();
    }

    private int[] table() {
        int[] lengths = lengths();
        int[] table = new int[4 * sequences];
        int first = 0;
        for (int s = 0; s < sequences; s++) {
            table[4 * s] = first;
            table[4 * s + 1] = lengths[s];
            table[4 * s + 2] = first;
            table[4 * s + 3] = lengths[s];
            first += lengths[s];
        }
        return table;
    }
}
