package jclip.tools;

import java.util.OptionalLong;

/** What an operator has to do at least: floating point operations if it is a product, else bytes to move. */
final class OperatorCost {
    private OperatorCost() {}

    /** 2 x multiply-adds, or nothing for an operator whose limit is memory. */
    static OptionalLong flops(OperatorLine line) {
        return switch (line.struct().operator()) {
            case "gemm" -> OptionalLong.of(2 * line.live("rows") * line.integer("n") * line.integer("k"));
            case "conv2d" -> OptionalLong.of(convolution(line));
            case "patch_embed" -> OptionalLong.of(patchEmbed(line));
            case "attention" -> OptionalLong.of(attention(line));
            default -> OptionalLong.empty();
        };
    }

    /** Bytes read and written: of all arguments, but of a table only the rows that are picked. */
    static long bytes(OperatorLine line, long arguments) {
        return switch (line.struct().operator()) {
            case "embedding" -> 3 * Float.BYTES * line.live("rows") * line.integer("width");
            case "gather_rows" -> 2 * Float.BYTES * line.live("rows") * line.integer("width");
            default -> arguments;
        };
    }

    private static long convolution(OperatorLine line) {
        long kernel = line.integer("kernel");
        long padded = 2 * line.integer("padding") - kernel;
        long rows = (line.integer("height") + padded) / line.integer("stride") + 1;
        long columns = (line.integer("width") + padded) / line.integer("stride") + 1;
        return 2
                * line.integer("batch")
                * rows
                * columns
                * line.integer("out_channels")
                * kernel
                * kernel
                * line.integer("channels");
    }

    private static long patchEmbed(OperatorLine line) {
        long patch = line.integer("patch");
        long grid = (line.integer("height") / patch) * (line.integer("image_width") / patch);
        return 2 * line.integer("batch") * grid * 3 * patch * patch * line.integer("width");
    }

    /** Both products, over the keys that a query may see. */
    private static long attention(OperatorLine line) {
        boolean causal = line.integer("causal") != 0;
        long pairs = 0;
        long sequences = line.live("sequences");
        long[] table = line.isNull("table") ? new long[0] : line.integers("table");
        for (int s = 0; s < sequences; s++) {
            long queries = table.length == 0 ? line.integer("q_tokens") : table[4 * s + 1];
            long keys = table.length == 0 ? line.integer("kv_tokens") : table[4 * s + 3];
            pairs += queries * keys - (causal ? queries * (queries - 1) / 2 : 0);
        }
        return 4 * pairs * line.integer("heads") * line.integer("head_dim");
    }
}
