package jclip.checkpoint;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * What a CLIP model is made of: enough to name every tensor and its shape.
 *
 * @param embedDim width of the common space
 * @param activation activation function of the transformers' MLPs (a ResNet's: of the text tower only)
 * @param vision image tower
 * @param text text tower
 */
public record Architecture(int embedDim, Activation activation, Vision vision, Text text) {
    /** The eps of LayerNorm and BatchNorm where no configuration says otherwise. */
    public static final double DEFAULT_EPS = 1e-5;

    private static final int WIDTH_LIMIT = 1 << 16;
    private static final int LAYER_LIMIT = 512;

    /** Checks ranges. */
    public Architecture {
        size("embed_dim", embedDim, WIDTH_LIMIT);
    }

    /** An image tower; its input is square. */
    public sealed interface Vision permits Vit, ResNet {
        /** Returns the side of the input in pixels. */
        int imageSize();

        /** Returns the width of the stream (ViT) or of the stem's output (ResNet). */
        int width();

        /** Returns the number of attention heads; in a ResNet those of the attention pool. */
        int heads();

        /** Returns the width of an attention head. */
        int headDim();

        /** Returns the side of the grid of patches or of the last feature map. */
        int grid();
    }

    /**
     * Vision transformer with a class token.
     *
     * @param imageSize side of the input in pixels
     * @param patchSize side of a patch in pixels
     * @param width width of the residual stream
     * @param layers number of blocks
     * @param heads attention heads; {@code heads * headDim == width}
     * @param headDim width of a head
     * @param mlpWidth width of the MLP's hidden layer
     * @param eps LayerNorm's eps
     */
    public record Vit(
            int imageSize, int patchSize, int width, int layers, int heads, int headDim, int mlpWidth, double eps)
            implements Vision {
        /** Checks ranges. */
        public Vit {
            size("image_size", imageSize, WIDTH_LIMIT);
            size("patch_size", patchSize, imageSize);
            checkTower("vision", width, layers, heads, headDim, mlpWidth, eps);
        }

        @Override
        public int grid() {
            return imageSize / patchSize;
        }
    }

    /**
     * CLIP's modified ResNet: three stem convolutions, four stages of bottleneck blocks, attention pool.
     *
     * @param imageSize side of the input in pixels, a multiple of 32
     * @param width channels after the stem, even
     * @param layers blocks of the four stages
     * @param heads heads of the attention pool; {@code heads * headDim == attnpoolWidth}
     * @param headDim width of a head
     * @param attnpoolWidth channels of the last stage, {@code 32 * width}
     * @param eps BatchNorm's eps
     */
    public record ResNet(
            int imageSize, int width, List<Integer> layers, int heads, int headDim, int attnpoolWidth, double eps)
            implements Vision {
        /** Checks ranges. */
        public ResNet {
            layers = List.copyOf(layers);
            size("image_size", imageSize, WIDTH_LIMIT);
            size("vision width", width, WIDTH_LIMIT / 32);
            size("vision heads", heads, WIDTH_LIMIT);
            size("vision head width", headDim, WIDTH_LIMIT);
            require(layers.size() == 4, "a ResNet has four stages, found " + layers);
            layers.forEach(count -> size("layers of a stage", count, LAYER_LIMIT));
            require(imageSize % 32 == 0, "a ResNet's image_size must be a multiple of 32, found " + imageSize);
            require(width % 2 == 0, "a ResNet's width must be even, found " + width);
            require(attnpoolWidth == 32 * width, "attention pool width " + attnpoolWidth + " is not 32 * " + width);
            require(
                    (long) heads * headDim == attnpoolWidth,
                    "heads " + heads + " x " + headDim + " do not make the attention pool's width " + attnpoolWidth);
            require(eps > 0 && eps < 1, "eps " + eps);
        }

        @Override
        public int grid() {
            return imageSize / 32;
        }
    }

    /** Which row of the last block is the text's feature. */
    public enum Pool {
        /** The position of the highest id, the first if several: the end token has the highest. */
        ARGMAX,
        /** The first position of {@link Text#eosId}. */
        EOS
    }

    /**
     * Text transformer with causal attention.
     *
     * @param contextLength number of positions
     * @param vocabSize number of ids
     * @param width width of the residual stream
     * @param layers number of blocks
     * @param heads attention heads; {@code heads * headDim == width}
     * @param headDim width of a head
     * @param mlpWidth width of the MLP's hidden layer
     * @param pool which row is the text's feature
     * @param eosId the id that {@link Pool#EOS} looks for, -1 with {@link Pool#ARGMAX}
     * @param eps LayerNorm's eps
     */
    public record Text(
            int contextLength,
            int vocabSize,
            int width,
            int layers,
            int heads,
            int headDim,
            int mlpWidth,
            Pool pool,
            int eosId,
            double eps) {
        /** Checks ranges. */
        public Text {
            size("context_length", contextLength, WIDTH_LIMIT);
            size("vocab_size", vocabSize, 1 << 24);
            checkTower("text", width, layers, heads, headDim, mlpWidth, eps);
            require(pool == Pool.EOS ? eosId >= 0 : eosId == -1, "end token " + eosId + " with pool " + pool);
        }
    }

    /**
     * Reads an open_clip-style configuration: {@code open_clip_config.json} or one of open_clip's model files, whose
     * top level holds {@code embed_dim}, {@code vision_cfg} and {@code text_cfg}.
     *
     * @throws CheckpointException if it is malformed or asks for something that this library does not have
     */
    public static Architecture parse(Path file) {
        return OpenClipConfig.architecture(Config.read(file));
    }

    /**
     * Reads an open_clip-style configuration.
     *
     * @param in UTF-8 JSON; read to its end, not closed
     * @param source a name for messages
     * @throws CheckpointException if it is malformed or asks for something that this library does not have
     */
    public static Architecture parse(InputStream in, String source) {
        return OpenClipConfig.architecture(Config.read(in, source));
    }

    /** Returns the canonical (OpenAI's) name and shape of every tensor. */
    public SequencedMap<String, long[]> tensors() {
        SequencedMap<String, long[]> tensors = new LinkedHashMap<>();
        tensors.put("positional_embedding", new long[] {text.contextLength, text.width});
        tensors.put("text_projection", new long[] {text.width, embedDim});
        tensors.put("logit_scale", new long[] {});
        switch (vision) {
            case Vit vit -> addVit(tensors, vit);
            case ResNet resNet -> addResNet(tensors, resNet);
        }
        addBlocks(tensors, "transformer.", text.layers, text.width, text.mlpWidth);
        tensors.put("token_embedding.weight", new long[] {text.vocabSize, text.width});
        addNorm(tensors, "ln_final", text.width);
        return tensors;
    }

    /** Returns the number of parameters; BatchNorm's running statistics do not count. */
    public long parameters() {
        return tensors().entrySet().stream()
                .filter(entry -> !entry.getKey().contains(".running_"))
                .mapToLong(entry -> StoredTensor.elements(entry.getValue()))
                .sum();
    }

    private void addVit(SequencedMap<String, long[]> tensors, Vit vit) {
        long positions = 1 + (long) vit.grid() * vit.grid();
        tensors.put("visual.class_embedding", new long[] {vit.width});
        tensors.put("visual.positional_embedding", new long[] {positions, vit.width});
        tensors.put("visual.proj", new long[] {vit.width, embedDim});
        tensors.put("visual.conv1.weight", new long[] {vit.width, 3, vit.patchSize, vit.patchSize});
        addNorm(tensors, "visual.ln_pre", vit.width);
        addBlocks(tensors, "visual.transformer.", vit.layers, vit.width, vit.mlpWidth);
        addNorm(tensors, "visual.ln_post", vit.width);
    }

    private static void addBlocks(
            SequencedMap<String, long[]> tensors, String prefix, int layers, long width, long mlp) {
        for (int i = 0; i < layers; i++) {
            String block = prefix + "resblocks." + i + ".";
            tensors.put(block + "attn.in_proj_weight", new long[] {3 * width, width});
            tensors.put(block + "attn.in_proj_bias", new long[] {3 * width});
            addLinear(tensors, block + "attn.out_proj", width, width);
            addNorm(tensors, block + "ln_1", width);
            addLinear(tensors, block + "mlp.c_fc", mlp, width);
            addLinear(tensors, block + "mlp.c_proj", width, mlp);
            addNorm(tensors, block + "ln_2", width);
        }
    }

    private void addResNet(SequencedMap<String, long[]> tensors, ResNet net) {
        long width = net.width;
        addConvolution(tensors, "visual.conv1", "visual.bn1", width / 2, 3, 3);
        addConvolution(tensors, "visual.conv2", "visual.bn2", width / 2, width / 2, 3);
        addConvolution(tensors, "visual.conv3", "visual.bn3", width, width / 2, 3);
        long in = width;
        for (int stage = 0; stage < 4; stage++) {
            long planes = width << stage;
            for (int block = 0; block < net.layers.get(stage); block++) {
                String name = "visual.layer" + (stage + 1) + "." + block + ".";
                addConvolution(tensors, name + "conv1", name + "bn1", planes, in, 1);
                addConvolution(tensors, name + "conv2", name + "bn2", planes, planes, 3);
                addConvolution(tensors, name + "conv3", name + "bn3", 4 * planes, planes, 1);
                if (block == 0) {
                    addConvolution(tensors, name + "downsample.0", name + "downsample.1", 4 * planes, in, 1);
                }
                in = 4 * planes;
            }
        }
        long pool = net.attnpoolWidth;
        tensors.put("visual.attnpool.positional_embedding", new long[] {1 + (long) net.grid() * net.grid(), pool});
        for (String name : List.of("k_proj", "q_proj", "v_proj")) {
            addLinear(tensors, "visual.attnpool." + name, pool, pool);
        }
        addLinear(tensors, "visual.attnpool.c_proj", embedDim, pool);
    }

    private static void addConvolution(
            SequencedMap<String, long[]> tensors, String name, String norm, long out, long in, long side) {
        tensors.put(name + ".weight", new long[] {out, in, side, side});
        for (String part : List.of("weight", "bias", "running_mean", "running_var")) {
            tensors.put(norm + "." + part, new long[] {out});
        }
    }

    private static void addLinear(SequencedMap<String, long[]> tensors, String name, long out, long in) {
        tensors.put(name + ".weight", new long[] {out, in});
        tensors.put(name + ".bias", new long[] {out});
    }

    private static void addNorm(SequencedMap<String, long[]> tensors, String name, long width) {
        tensors.put(name + ".weight", new long[] {width});
        tensors.put(name + ".bias", new long[] {width});
    }

    private static void checkTower(
            String tower, int width, int layers, int heads, int headDim, int mlpWidth, double eps) {
        size(tower + " width", width, WIDTH_LIMIT);
        size(tower + " layers", layers, LAYER_LIMIT);
        size(tower + " heads", heads, WIDTH_LIMIT);
        size(tower + " head width", headDim, WIDTH_LIMIT);
        size(tower + " MLP width", mlpWidth, WIDTH_LIMIT * 8);
        require(
                (long) heads * headDim == width,
                tower + " heads " + heads + " x " + headDim + " do not make the width " + width);
        require(eps > 0 && eps < 1, tower + " eps is " + eps);
    }

    private static void size(String what, int value, int limit) {
        require(value >= 1 && value <= limit, what + " is " + value + "; wanted 1 to " + limit);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
