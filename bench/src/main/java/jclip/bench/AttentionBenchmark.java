package jclip.bench;

import org.openjdk.jmh.annotations.Param;

/** Attention of ViT-B/32, the text tower, ViT-B/16 and ViT-L/14; and a packed batch of texts. */
public class AttentionBenchmark extends OperatorBenchmark {
    @Param({
        "attention tokens=50 heads=12",
        "attention tokens=77 heads=8 causal=1",
        "attention tokens=197 heads=12",
        "attention tokens=257 heads=16",
        "attention tokens=50 heads=12 sequences=32",
        "attention tokens=77 heads=8 causal=1 packed=1 sequences=32"
    })
    public String line = "";

    @Override
    String line() {
        return line;
    }
}
