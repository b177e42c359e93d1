package jclip.train;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Layer-wise learning-rate decay: the rate of a parameter is the step's rate times {@code decay^(top - depth)}. Depth 0
 * is what stands before the blocks, block b has depth b + 1, and what stands behind the last block has the tower's top.
 * Each tower has a top of its own; the logit scale and bias are scaled by 1. Names are open_clip's. Immutable.
 */
public final class LayerDecay {
    private static final int STAGES = 4;
    private static final Pattern BLOCK = Pattern.compile("(visual\\.)?transformer\\.resblocks\\.(\\d{1,6})\\..*");
    private static final Pattern STAGE = Pattern.compile("visual\\.layer([1-4])\\..*");

    private final double decay;
    private final boolean resNet;
    private final int imageTop;
    private final int textTop;

    private LayerDecay(double decay, boolean resNet, int imageTop, int textTop) {
        if (!(decay > 0 && decay <= 1)) {
            throw new IllegalArgumentException("layer decay is " + decay + "; wanted in (0, 1]");
        }
        this.decay = decay;
        this.resNet = resNet;
        this.imageTop = imageTop;
        this.textTop = textTop;
    }

    /**
     * With a vision transformer.
     *
     * @param decay in (0, 1]; 1 leaves every rate as it is
     */
    public static LayerDecay visionTransformer(double decay, int imageBlocks, int textBlocks) {
        return new LayerDecay(decay, false, imageBlocks + 1, textBlocks + 1);
    }

    /**
     * With a ModifiedResNet: the stem has depth 0, its four layers 1 to 4, the attention pool 5.
     *
     * @param decay in (0, 1]; 1 leaves every rate as it is
     */
    public static LayerDecay resNet(double decay, int textBlocks) {
        return new LayerDecay(decay, true, STAGES + 1, textBlocks + 1);
    }

    /**
     * The factor of a parameter's learning rate.
     *
     * @throws IllegalArgumentException if the name belongs to no layer of such a model
     */
    public double scale(String name) {
        if (name.equals("logit_scale") || name.equals("logit_bias")) {
            return 1;
        }
        boolean image = name.startsWith("visual.");
        int top = image ? imageTop : textTop;
        return Math.pow(decay, top - depth(name, image, top));
    }

    private int depth(String name, boolean image, int top) {
        Matcher block = BLOCK.matcher(name);
        if (block.matches()) {
            int depth = Integer.parseInt(block.group(2)) + 1;
            if (depth >= top) {
                throw new IllegalArgumentException(
                        "parameter '" + name + "' lies behind the tower's last block, " + (top - 2));
            }
            return depth;
        }
        Matcher stage = STAGE.matcher(name);
        if (resNet && stage.matches()) {
            return Integer.parseInt(stage.group(1));
        }
        String part = image ? name.substring("visual.".length()) : name;
        int end = part.indexOf('.');
        return switch (end < 0 ? part : part.substring(0, end)) {
            case "conv1", "conv2", "conv3", "bn1", "bn2", "bn3" -> 0;
            case "class_embedding", "positional_embedding", "token_embedding", "ln_pre" -> 0;
            case "ln_post", "proj", "attnpool", "ln_final", "text_projection" -> top;
            default -> throw new IllegalArgumentException("parameter '" + name + "' belongs to no known layer");
        };
    }
}
