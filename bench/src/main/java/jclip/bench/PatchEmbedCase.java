package jclip.bench;

import jclip.backend.Context;

/** Patches of square pictures to tokens, with class token and positions. */
record PatchEmbedCase(long batch, long size, long patch, long width) implements Case {
    static PatchEmbedCase of(Line line) {
        return new PatchEmbedCase(line.get("batch", 1), line.get("size"), line.get("patch"), line.get("width"));
    }

    private long grid() {
        return (size / patch) * (size / patch);
    }

    private long inner() {
        return 3 * patch * patch;
    }

    @Override
    public Amount amount() {
        double flops = 2.0 * batch * grid() * width * inner();
        return new Amount(flops, 4.0 * (batch * 3 * size * size + width * inner() + batch * (1 + grid()) * width));
    }

    @Override
    public Work open(Context context) {
        Work work = new Work(context, "patch_embed");
        work.set("pixels", work.floats(batch * 3 * size * size)).set("packed", work.packedGemm(width, inner()));
        work.set("class_embedding", work.floats(width)).set("positional", work.floats((1 + grid()) * width));
        work.set("y", work.bytes(4 * batch * (1 + grid()) * width))
                .set("batch", batch)
                .set("height", size);
        return work.set("image_width", size)
                .set("patch", patch)
                .set("width", width)
                .withWorkspace();
    }
}
