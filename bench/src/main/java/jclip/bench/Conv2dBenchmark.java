package jclip.bench;

import org.openjdk.jmh.annotations.Param;

/** The convolutions of RN50: stem, 3x3 and 1x1 of each stage. */
public class Conv2dBenchmark extends OperatorBenchmark {
    @Param({
        "conv2d size=224 channels=3 out=32 kernel=3 stride=2 nchw=1",
        "conv2d size=112 channels=32 out=64 kernel=3",
        "conv2d size=56 channels=64 out=64 kernel=3",
        "conv2d size=28 channels=128 out=128 kernel=3",
        "conv2d size=14 channels=256 out=256 kernel=3",
        "conv2d size=7 channels=512 out=512 kernel=3",
        "conv2d size=56 channels=64 out=256 kernel=1",
        "conv2d size=56 channels=256 out=64 kernel=1",
        "conv2d size=14 channels=1024 out=256 kernel=1",
        "conv2d size=7 channels=512 out=2048 kernel=1",
        "conv2d batch=8 size=14 channels=256 out=256 kernel=3"
    })
    public String line = "";

    @Override
    String line() {
        return line;
    }
}
