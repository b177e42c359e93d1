package jclip.bench;

import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;

/**
 * One tower of a full-size model with formula weights.
 *
 * @param name model and tower, as in {@code ViT-B-32/image}
 */
record Tower(String name) {
    String model() {
        return name.substring(0, name.indexOf('/'));
    }

    boolean isImage() {
        return name.endsWith("/image");
    }

    /** What a batch computes: the products and attention alone, the pooled token's shortcut of the last block counted as taken. */
    Amount amount(int batch) {
        try (Checkpoint checkpoint = Checkpoint.formula(model())) {
            Architecture architecture = checkpoint.architecture();
            if (!isImage()) {
                return new Amount(batch * text(architecture), 0);
            }
            return new Amount(
                    batch
                            * switch (architecture.vision()) {
                                case Architecture.Vit vit -> vit(vit, architecture.embedDim());
                                case Architecture.ResNet net -> resNet(net, architecture.embedDim());
                            },
                    0);
        }
    }

    private static double text(Architecture architecture) {
        Architecture.Text t = architecture.text();
        return blocks(t.layers(), t.contextLength(), t.width(), t.mlpWidth(), true)
                + 2.0 * t.width() * architecture.embedDim();
    }

    private static double vit(Architecture.Vit v, int embed) {
        int tokens = 1 + v.grid() * v.grid();
        double patches = 2.0 * (tokens - 1) * 3 * v.patchSize() * v.patchSize() * v.width();
        return patches + blocks(v.layers(), tokens, v.width(), v.mlpWidth(), false) + 2.0 * v.width() * embed;
    }

    private static double blocks(int layers, int tokens, int width, int mlp, boolean causal) {
        double token = 2.0 * width * width + 4.0 * width * mlp; // projection and MLP
        double pairs = causal ? 0.5 * tokens * (tokens + 1) : (double) tokens * tokens;
        double whole = tokens * (6.0 * width * width + token) + 4 * pairs * width;
        double last = tokens * 4.0 * width * width + 2.0 * width * width + token + 4.0 * tokens * width;
        return (layers - 1) * whole + last;
    }

    private static double resNet(Architecture.ResNet net, int embed) {
        double side = net.imageSize() / 2.0;
        double half = net.width() / 2.0;
        double flops = 2 * 9 * side * side * (3 * half + half * half + half * net.width());
        side /= 2;
        double in = net.width();
        for (int stage = 0; stage < net.layers().size(); stage++) {
            double planes = net.width() << stage;
            for (int block = 0; block < net.layers().get(stage); block++) {
                double before = side * side;
                side = block == 0 && stage > 0 ? side / 2 : side;
                flops += 2 * before * (in * planes + 9 * planes * planes) + 2 * side * side * planes * 4 * planes;
                flops += block == 0 ? 2 * side * side * in * 4 * planes : 0;
                in = 4 * planes;
            }
        }
        double tokens = 1 + side * side;
        return flops + 4 * tokens * in * in + 2 * in * in + 4 * tokens * in + 2 * in * embed;
    }
}
