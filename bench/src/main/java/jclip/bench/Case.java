package jclip.bench;

import jclip.backend.Context;

/**
 * One operator at one size: what it computes, what it moves, and how it is run. Benchmarks, the guard and reports all name a case by its
 * {@link Line}.
 */
interface Case {
    /** What one run computes and moves. */
    Amount amount();

    /** The operator with all its buffers. */
    Work open(Context context);

    /** @throws IllegalArgumentException if the line names no known operator, or lacks a size */
    static Case of(Line line) {
        return switch (line.operator()) {
            case "gemm" -> GemmCase.of(line);
            case "attention" -> AttentionCase.of(line);
            case "layer_norm" -> LayerNormCase.of(line);
            case "conv2d" -> Conv2dCase.of(line);
            case "patch_embed" -> PatchEmbedCase.of(line);
            case "contrastive_loss" -> ContrastiveLossCase.of(line);
            case "resample" -> ResampleCase.of(line);
            default -> throw new IllegalArgumentException("no case for '" + line + "'");
        };
    }
}
