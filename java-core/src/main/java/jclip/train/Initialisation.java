package jclip.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jclip.checkpoint.Architecture;
import jclip.data.Philox;

/**
 * The values with which training from scratch begins: the distributions of open_clip, drawn from a counter-based generator, so that a tensor's
 * values depend on the seed, its place in the list of tensors and its shape alone.
 *
 * <p>Source: the CLIP paper, section 2.5, and open_clip's initialisation: normal distributions in the text tower scaled by width and depth, PyTorch's
 * defaults (uniform, by the fan-in) in the image tower, Xavier for its joined attention matrices, zeros for the last normalisation of each bottleneck.
 */
final class Initialisation {
    /** Lower half-bytes 1 to 5 belong to the data. */
    private static final int STREAM = 16;

    private static final Pattern TEXT_BLOCK = Pattern.compile("transformer\\.resblocks\\.\\d+\\.(.*)");
    private static final Pattern IMAGE_BLOCK = Pattern.compile("visual\\.transformer\\.resblocks\\.\\d+\\.(.*)");

    /** How a tensor is drawn: around 0 with this deviation, or evenly between -bound and bound, or a constant. */
    private sealed interface Draw {
        record Normal(double deviation) implements Draw {}

        record Uniform(double bound) implements Draw {}

        record Constant(double value) implements Draw {}
    }

    private final Architecture architecture;
    private final boolean sigmoid;

    /**
     * For an architecture.
     *
     * @param sigmoid logit scale and bias start as the sigmoid loss wants them (ln 10, -10); otherwise at ln(1 / 0.07)
     */
    Initialisation(Architecture architecture, boolean sigmoid) {
        this.architecture = architecture;
        this.sigmoid = sigmoid;
    }

    /** Fills all tensors of a storage. */
    void fill(Storage storage, long seed) {
        Philox philox = new Philox(seed);
        List<Storage.Place> places = storage.places();
        for (int i = 0; i < places.size(); i++) {
            Storage.Place place = places.get(i);
            fill(storage.values(place.name()), draw(place.name(), place.shape()), philox, i);
        }
    }

    private static void fill(MemorySegment to, Draw draw, Philox philox, int tensor) {
        long count = to.byteSize() / Float.BYTES;
        int[] words = new int[4];
        for (long i = 0; i < count; i++) {
            if (draw instanceof Draw.Normal && i % 2 == 0 || i % 4 == 0) {
                philox.block(STREAM, tensor, (int) (i >>> 32), (int) i, words);
            }
            double value =
                    switch (draw) {
                        case Draw.Constant constant -> constant.value;
                        case Draw.Uniform uniform -> uniform.bound * (2 * Philox.unit(words[(int) (i % 4)]) - 1);
                        case Draw.Normal normal -> normal.deviation * gaussian(words, (int) (i % 2));
                    };
            to.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value);
        }
    }

    /** Box and Muller's pair; StrictMath, so that the bits are the same on every machine. */
    private static double gaussian(int[] words, int which) {
        double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - Philox.unit(words[0])));
        double angle = 2 * StrictMath.PI * Philox.unit(words[1]);
        return radius * (which == 0 ? StrictMath.cos(angle) : StrictMath.sin(angle));
    }

    private Draw draw(String name, List<Long> shape) {
        switch (name) {
            case "logit_scale":
                return new Draw.Constant(Math.log(sigmoid ? 10 : 1 / 0.07));
            case "logit_bias":
                return new Draw.Constant(-10);
            case "token_embedding.weight":
                return new Draw.Normal(0.02);
            case "positional_embedding":
                return new Draw.Normal(0.01);
            case "text_projection":
                return new Draw.Normal(1 / Math.sqrt(architecture.text().width()));
            default:
                return inBlocks(name, shape);
        }
    }

    private Draw inBlocks(String name, List<Long> shape) {
        Matcher text = TEXT_BLOCK.matcher(name);
        if (text.matches()) {
            return textBlock(text.group(1));
        }
        Matcher image = IMAGE_BLOCK.matcher(name);
        if (image.matches()) {
            return imageBlock(image.group(1), shape);
        }
        return name.startsWith("visual.") ? visual(name, shape) : normalisation(name);
    }

    private Draw textBlock(String part) {
        double width = architecture.text().width();
        double depth = 2.0 * architecture.text().layers();
        return switch (part) {
            case "attn.in_proj_weight" -> new Draw.Normal(1 / Math.sqrt(width));
            case "attn.out_proj.weight", "mlp.c_proj.weight" -> new Draw.Normal(1 / Math.sqrt(width * depth));
            case "mlp.c_fc.weight" -> new Draw.Normal(1 / Math.sqrt(2 * width));
            case "mlp.c_fc.bias" -> new Draw.Uniform(1 / Math.sqrt(width));
            case "mlp.c_proj.bias" ->
                new Draw.Uniform(1 / Math.sqrt(architecture.text().mlpWidth()));
            default -> normalisation(part);
        };
    }

    private Draw imageBlock(String part, List<Long> shape) {
        Architecture.Vit vit = (Architecture.Vit) architecture.vision();
        return switch (part) {
            case "attn.in_proj_weight" -> new Draw.Uniform(Math.sqrt(6.0 / (4 * vit.width())));
            case "attn.out_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight" -> byFanIn(shape);
            case "mlp.c_fc.bias" -> new Draw.Uniform(1 / Math.sqrt(vit.width()));
            case "mlp.c_proj.bias" -> new Draw.Uniform(1 / Math.sqrt(vit.mlpWidth()));
            default -> normalisation(part);
        };
    }

    private Draw visual(String name, List<Long> shape) {
        if (name.endsWith("attnpool.positional_embedding")
                || name.startsWith("visual.attnpool.") && shape.size() == 2) {
            return new Draw.Normal(1 / Math.sqrt(shape.get(1)));
        }
        if (name.startsWith("visual.attnpool.")) {
            return new Draw.Uniform(1 / Math.sqrt(((Architecture.ResNet) architecture.vision()).attnpoolWidth()));
        }
        if (name.equals("visual.class_embedding")
                || name.equals("visual.positional_embedding")
                || name.equals("visual.proj")) {
            return new Draw.Normal(1 / Math.sqrt(((Architecture.Vit) architecture.vision()).width()));
        }
        if (shape.size() == 4) {
            return byFanIn(shape);
        }
        return name.endsWith(".bn3.weight") && name.startsWith("visual.layer")
                ? new Draw.Constant(0)
                : normalisation(name);
    }

    /** PyTorch's default for linear layers and convolutions. */
    private static Draw byFanIn(List<Long> shape) {
        double fanIn = shape.stream().skip(1).mapToDouble(Long::doubleValue).reduce(1, (a, b) -> a * b);
        return new Draw.Uniform(1 / Math.sqrt(fanIn));
    }

    /** Gains and variances start at 1, everything else at 0. */
    private static Draw normalisation(String name) {
        return new Draw.Constant(name.endsWith(".weight") || name.endsWith(".running_var") ? 1 : 0);
    }
}
