package jclip.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Preprocess;
import org.jspecify.annotations.Nullable;

/**
 * Where a run begins: the model and its first parameters, drawn or read from a checkpoint, and what of it is trained.
 *
 * @param architecture of the model
 * @param preprocess how pictures are prepared, written into exported checkpoints
 * @param init the checkpoint that is fine-tuned, or null for a start from scratch; open
 */
record Start(
        Architecture architecture,
        Preprocess preprocess,
        @Nullable Checkpoint init) implements AutoCloseable {
    private static final Pattern IMAGE_BLOCK = Pattern.compile("visual\\.transformer\\.resblocks\\.(\\d+)\\..*");
    private static final Pattern IMAGE_STAGE = Pattern.compile("visual\\.layer([1-4])\\..*");

    static Start of(TrainingConfig config) {
        return config.has(Setting.INIT)
                ? fineTuning(config.text(Setting.INIT))
                : fromScratch(Path.of(config.text(Setting.MODEL_CONFIG)));
    }

    private static Start fromScratch(Path modelConfig) {
        Architecture architecture = Architecture.parse(modelConfig);
        return new Start(architecture, Preprocess.standard(architecture.vision().imageSize()), null);
    }

    private static Start fineTuning(String checkpoint) {
        Checkpoint init = checkpoint.startsWith("formula:")
                ? Checkpoint.formula(checkpoint.substring("formula:".length()))
                : Checkpoint.open(Path.of(checkpoint));
        return new Start(init.architecture(), init.preprocess(), init);
    }

    /** Every tensor of the model, and the sigmoid loss's bias. */
    SequencedMap<String, long[]> tensors(boolean sigmoid) {
        SequencedMap<String, long[]> tensors = new LinkedHashMap<>(architecture.tensors());
        if (sigmoid) {
            tensors.put("logit_bias", new long[0]);
        }
        return tensors;
    }

    /** Fills all tensors; the sigmoid loss's bias is not in a checkpoint and starts as from scratch. */
    void fill(Storage storage, boolean sigmoid, long seed) {
        new Initialisation(architecture, sigmoid).fill(storage, seed);
        if (init == null) {
            return;
        }
        for (String name : init.names()) {
            if (storage.has(name)) {
                init.read(name, storage.values(name));
                init.release(name);
            }
        }
    }

    /**
     * Which tensors are trained: all but running statistics and frozen towers.
     *
     * @param freezeImage the image tower but its last {@code unlockedGroups} groups
     * @param unlockedGroups as open_clip counts: the projection, then {@code ln_post} with the last block, then block by block; of a
     *     ModifiedResNet the attention pool, then stage by stage
     */
    Predicate<String> trained(boolean freezeImage, int unlockedGroups, boolean freezeText) {
        return name -> {
            if (name.contains(".running_")) {
                return false;
            }
            if (name.startsWith("logit_")) {
                return true;
            }
            return name.startsWith("visual.") ? !freezeImage || group(name) < unlockedGroups : !freezeText;
        };
    }

    /** An image tensor's group, counted from the end of the tower. */
    private int group(String name) {
        Matcher block = IMAGE_BLOCK.matcher(name);
        if (block.matches() && architecture.vision() instanceof Architecture.Vit vit) {
            return vit.layers() - Integer.parseInt(block.group(1));
        }
        Matcher stage = IMAGE_STAGE.matcher(name);
        if (stage.matches()) {
            return 5 - Integer.parseInt(stage.group(1));
        }
        return switch (name) {
            case "visual.proj" -> 0;
            case "visual.ln_post.weight", "visual.ln_post.bias" -> 1;
            default -> name.startsWith("visual.attnpool.") ? 0 : Integer.MAX_VALUE;
        };
    }

    /** The scale of each tensor's learning rate. */
    LayerDecay layerDecay(double decay) {
        int textBlocks = architecture.text().layers();
        return architecture.vision() instanceof Architecture.Vit vit
                ? LayerDecay.visionTransformer(decay, vit.layers(), textBlocks)
                : LayerDecay.resNet(decay, textBlocks);
    }

    @Override
    public void close() {
        if (init != null) {
            init.close();
        }
    }
}
