package jclip.bench;

import org.openjdk.jmh.annotations.Param;

/** Patch embedding of ViT-B/32, B/16 and L/14. */
public class PatchEmbedBenchmark extends OperatorBenchmark {
    @Param({
        "patch_embed size=224 patch=32 width=768",
        "patch_embed batch=8 size=224 patch=32 width=768",
        "patch_embed size=224 patch=16 width=768",
        "patch_embed size=224 patch=14 width=1024"
    })
    public String line = "";

    @Override
    String line() {
        return line;
    }
}
