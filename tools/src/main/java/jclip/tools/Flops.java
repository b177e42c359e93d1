package jclip.tools;

import jclip.checkpoint.Architecture;

/**
 * Floating point operations of a tower for one input: 2 x multiply-adds of convolutions and matrix products, attention's products
 * included. Norms, activations and softmax are not counted, nor are the savings that leave out what cannot matter.
 */
public final class Flops {
    private static final int STAGES = 4;

    private Flops() {}

    /** One picture; a ResNet's attention pool has one query. */
    public static long image(Architecture architecture) {
        return 2
                * switch (architecture.vision()) {
                    case Architecture.Vit vit -> vit(vit, architecture.embedDim());
                    case Architecture.ResNet net -> resNet(net, architecture.embedDim());
                };
    }

    /** One text of the context's full length, with dense attention. */
    public static long text(Architecture architecture) {
        return text(architecture, architecture.text().contextLength());
    }

    /** One text of so many tokens, start and end token counted, with dense attention. */
    public static long text(Architecture architecture, int tokens) {
        Architecture.Text text = architecture.text();
        return 2
                * (text.layers() * block(tokens, text.width(), text.mlpWidth())
                        + (long) text.width() * architecture.embedDim());
    }

    private static long block(long tokens, long width, long mlpWidth) {
        return tokens * width * (4 * width + 2 * mlpWidth) + 2 * tokens * tokens * width;
    }

    private static long vit(Architecture.Vit vit, long embedDim) {
        long patches = (long) vit.grid() * vit.grid();
        long patch = 3L * vit.patchSize() * vit.patchSize();
        return patches * patch * vit.width()
                + vit.layers() * block(patches + 1, vit.width(), vit.mlpWidth())
                + vit.width() * embedDim;
    }

    private static long resNet(Architecture.ResNet net, long embedDim) {
        long side = net.imageSize() / 2;
        long half = net.width() / 2;
        long count = side * side * 9 * (3 * half + half * half + half * net.width());
        side /= 2;
        long in = net.width();
        for (int stage = 0; stage < STAGES; stage++) {
            long planes = (long) net.width() << stage;
            for (int block = 0; block < net.layers().get(stage); block++) {
                long out = stage > 0 && block == 0 ? side / 2 : side;
                count += side * side * planes * (in + 9 * planes) + out * out * planes * 4 * planes;
                count += block == 0 ? out * out * in * 4 * planes : 0;
                side = out;
                in = 4 * planes;
            }
        }
        long tokens = 1 + side * side;
        return count + in * in * (2 * tokens + 1) + 2 * tokens * in + in * embedDim;
    }
}
