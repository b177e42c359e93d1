package jclip.bench;

import org.openjdk.jmh.annotations.Param;

/** The four weight shapes of a block of width 768 (query-key-value, projection, MLP up and down) by the row counts of the towers. */
public class GemmBenchmark extends OperatorBenchmark {
    @Param({
        "gemm rows=1 n=2304 k=768",
        "gemm rows=50 n=2304 k=768",
        "gemm rows=77 n=2304 k=768",
        "gemm rows=197 n=2304 k=768",
        "gemm rows=257 n=2304 k=768",
        "gemm rows=1600 n=2304 k=768",
        "gemm rows=1 n=768 k=768",
        "gemm rows=50 n=768 k=768",
        "gemm rows=77 n=768 k=768",
        "gemm rows=197 n=768 k=768",
        "gemm rows=257 n=768 k=768",
        "gemm rows=1600 n=768 k=768",
        "gemm rows=1 n=3072 k=768",
        "gemm rows=50 n=3072 k=768",
        "gemm rows=77 n=3072 k=768",
        "gemm rows=197 n=3072 k=768",
        "gemm rows=257 n=3072 k=768",
        "gemm rows=1600 n=3072 k=768",
        "gemm rows=1 n=768 k=3072",
        "gemm rows=50 n=768 k=3072",
        "gemm rows=77 n=768 k=3072",
        "gemm rows=197 n=768 k=3072",
        "gemm rows=257 n=768 k=3072",
        "gemm rows=1600 n=768 k=3072"
    })
    public String line = "";

    @Override
    String line() {
        return line;
    }
}
