package jclip.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import jclip.checkpoint.CheckpointException.Reason;

/** Finds an architecture from the shapes of an OpenAI checkpoint; heads have width 64 there. */
final class ShapeInference {
    private static final int HEAD = 64;

    private final Path file;
    private final Map<String, StoredTensor> tensors;

    private ShapeInference(Path file, Map<String, StoredTensor> tensors) {
        this.file = file;
        this.tensors = tensors;
    }

    static Architecture infer(Path file, Map<String, StoredTensor> tensors, Activation activation) {
        return new ShapeInference(file, tensors).infer(activation);
    }

    private Architecture infer(Activation activation) {
        try {
            int width = size("ln_final.weight", 0, 1);
            Architecture.Text text = new Architecture.Text(
                    size("positional_embedding", 0, 2),
                    size("token_embedding.weight", 0, 2),
                    width,
                    blocks("transformer."),
                    heads(width),
                    HEAD,
                    size("transformer.resblocks.0.mlp.c_fc.weight", 0, 2),
                    Architecture.Pool.ARGMAX,
                    -1,
                    Architecture.DEFAULT_EPS);
            return new Architecture(
                    size("text_projection", 1, 2),
                    activation,
                    tensors.containsKey("visual.class_embedding") || tensors.containsKey("visual.proj")
                            ? vit()
                            : resNet(),
                    text);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(
                    Reason.WRONG_SHAPE,
                    file + ": no architecture fits the shapes of its tensors: " + e.getMessage(),
                    e);
        }
    }

    private Architecture.Vit vit() {
        int width = size("visual.conv1.weight", 0, 4);
        int patch = size("visual.conv1.weight", 3, 4);
        long image = (long) grid("visual.positional_embedding") * patch;
        return new Architecture.Vit(
                (int) Math.min(image, Integer.MAX_VALUE),
                patch,
                width,
                blocks("visual.transformer."),
                heads(width),
                HEAD,
                size("visual.transformer.resblocks.0.mlp.c_fc.weight", 0, 2),
                Architecture.DEFAULT_EPS);
    }

    private Architecture.ResNet resNet() {
        int width = size("visual.layer1.0.conv1.weight", 0, 4);
        int pool = size("visual.attnpool.positional_embedding", 1, 2);
        long image = 32L * grid("visual.attnpool.positional_embedding");
        List<Integer> layers = new ArrayList<>();
        for (int stage = 1; stage <= 4; stage++) {
            layers.add(count("visual.layer" + stage + ".", ".conv1.weight"));
        }
        return new Architecture.ResNet(
                (int) Math.min(image, Integer.MAX_VALUE),
                width,
                layers,
                heads(pool),
                HEAD,
                pool,
                Architecture.DEFAULT_EPS);
    }

    private int blocks(String prefix) {
        return count(prefix + "resblocks.", ".attn.in_proj_weight");
    }

    private int count(String prefix, String suffix) {
        int count = (int) tensors.keySet().stream()
                .filter(name -> name.startsWith(prefix) && name.endsWith(suffix))
                .count();
        if (count == 0) {
            throw missing(prefix + "0" + suffix);
        }
        return count;
    }

    private static int heads(int width) {
        if (width % HEAD != 0) {
            throw new IllegalArgumentException(
                    "width " + width + " is no multiple of the head width 64, as OpenAI's are;"
                            + " for another head width put open_clip_config.json beside the file");
        }
        return width / HEAD;
    }

    private int grid(String name) {
        int positions = size(name, 0, 2) - 1;
        int side = (int) Math.round(Math.sqrt(positions));
        if (side < 1 || side * side != positions) {
            throw new IllegalArgumentException(
                    "'" + name + "' has " + (positions + 1) + " rows; wanted 1 + a square number");
        }
        return side;
    }

    private int size(String name, int dimension, int rank) {
        StoredTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw missing(name);
        }
        long[] shape = tensor.shape();
        if (shape.length != rank || shape[dimension] > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "'" + name + "' has shape " + StoredTensor.text(shape) + "; wanted rank " + rank);
        }
        return (int) shape[dimension];
    }

    private CheckpointException missing(String name) {
        return new CheckpointException(
                Reason.MISSING_TENSOR,
                file + ": tensor '" + name + "' is missing, so that the model's"
                        + " architecture cannot be inferred; the file holds " + tensors.size()
                        + " tensors. Is it a CLIP model?");
    }
}
