package jclip.bench;

import org.openjdk.jmh.annotations.Param;

/** LayerNorm of one picture and of a batch, alone and with the residual. */
public class LayerNormBenchmark extends OperatorBenchmark {
    @Param({
        "layer_norm rows=50 width=768",
        "layer_norm rows=50 width=768 residual=1",
        "layer_norm rows=257 width=1024",
        "layer_norm rows=1600 width=768",
        "layer_norm rows=1600 width=768 residual=1"
    })
    public String line = "";

    @Override
    String line() {
        return line;
    }
}
