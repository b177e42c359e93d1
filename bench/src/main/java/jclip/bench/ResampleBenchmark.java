package jclip.bench;

import org.openjdk.jmh.annotations.Param;

/** Resizing and normalising decoded pixels: one native call. */
public class ResampleBenchmark extends OperatorBenchmark {
    @Param({"resample from=512 to=224", "resample from=1024 to=224", "resample from=128 to=224"})
    public String line = "";

    @Override
    String line() {
        return line;
    }
}
