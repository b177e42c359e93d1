package jclip.bench;

import org.openjdk.jmh.annotations.Param;

/** The contrastive loss forward and backward, in tiles; {@link MatrixLossBenchmark} is the same with the matrix of all pairs. */
public class ContrastiveLossBenchmark extends OperatorBenchmark {
    @Param({
        "contrastive_loss rows=1024 width=512 gradient=1",
        "contrastive_loss rows=4096 width=512 gradient=1",
        "contrastive_loss rows=8192 width=512 gradient=1",
        "contrastive_loss rows=8192 width=512",
        "contrastive_loss rows=8192 width=512 gradient=1 kind=1"
    })
    public String line = "";

    @Override
    String line() {
        return line;
    }
}
