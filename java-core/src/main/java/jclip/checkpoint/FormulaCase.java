package jclip.checkpoint;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import jclip.checkpoint.CheckpointException.Reason;

/** A fixture of kind {@code formula}: case.json says the architecture, shapes.json each tensor's offset and scale. */
final class FormulaCase {
    private final Path folder;

    private FormulaCase(Path folder) {
        this.folder = folder;
    }

    static Checkpoint open(Path folder) {
        return new FormulaCase(folder).open();
    }

    private Checkpoint open() {
        Config config = Config.read(folder.resolve("case.json"));
        Architecture architecture = architecture(config);
        String salt = config.string("salt", "");
        Config file = Config.read(folder.resolve(config.string("shapes")));
        Map<String, List<?>> rows = rows(file);
        SequencedMap<String, Weight> weights = new LinkedHashMap<>();
        architecture.tensors().forEach((name, shape) -> {
            List<?> row = rows.remove(name);
            if (row == null) {
                throw file.error(Reason.MISSING_TENSOR, "tensors", "has no tensor '" + name + "'");
            }
            weights.put(name, tensor(file, salt, name, shape, row));
        });
        if (!rows.isEmpty()) {
            throw file.error(Reason.UNEXPECTED_TENSOR, "tensors", "has unexpected tensors " + rows.keySet());
        }
        return new Checkpoint(
                folder,
                Layout.FORMULA,
                architecture,
                Preprocess.standard(architecture.vision().imageSize()),
                weights,
                null);
    }

    private static Map<String, List<?>> rows(Config file) {
        Map<String, List<?>> rows = new HashMap<>();
        for (Object entry : file.list("tensors")) {
            if (!(entry instanceof List<?> row) || row.size() < 5 || !(row.getFirst() instanceof String name)) {
                throw file.error(
                        "tensors", "holds " + entry + "; wanted [name, shape, kind, offset_bits, scale_bits, ...]");
            }
            rows.put(name, row);
        }
        return rows;
    }

    private static FormulaTensor tensor(Config file, String salt, String name, long[] shape, List<?> row) {
        if (!(row.get(1) instanceof List<?> found) || !found.equals(StoredTensor.sizes(shape))) {
            throw file.error(Reason.WRONG_SHAPE, name, "found " + row.get(1) + ", wanted " + Arrays.toString(shape));
        }
        return new FormulaTensor(
                shape, Formula.hash(salt, name), bits(file, name, row.get(3)), bits(file, name, row.get(4)));
    }

    private static float bits(Config file, String name, Object hex) {
        try {
            return Float.intBitsToFloat(Integer.parseUnsignedInt(hex.toString(), 16));
        } catch (NumberFormatException e) {
            throw file.error(name, "has bits '" + hex + "'; wanted eight hexadecimal digits");
        }
    }

    /** The field {@code architecture} of a case.json. */
    static Architecture architecture(Config file) {
        Config config = file.object("architecture");
        Config text = config.object("text");
        boolean argmax = text.string("pool").equals("argmax");
        try {
            return new Architecture(
                    config.integer("embed_dim"),
                    Activation.named(config.string("activation"))
                            .orElseThrow(() -> config.error("activation", "is unknown")),
                    vision(config.object("vision")),
                    new Architecture.Text(
                            text.integer("context_length"),
                            text.integer("vocab_size"),
                            text.integer("width"),
                            text.integer("layers"),
                            text.integer("heads"),
                            text.integer("head_dim"),
                            text.integer("mlp_width"),
                            argmax ? Architecture.Pool.ARGMAX : Architecture.Pool.EOS,
                            argmax ? -1 : text.integer("eos_id"),
                            Architecture.DEFAULT_EPS));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(Reason.BAD_CONFIG, file.source() + ": " + e.getMessage(), e);
        }
    }

    private static Architecture.Vision vision(Config vision) {
        int image = vision.integer("image_size");
        int width = vision.integer("width");
        int heads = vision.integer("heads");
        int headDim = vision.integer("head_dim");
        return switch (vision.string("type")) {
            case "vit" ->
                new Architecture.Vit(
                        image,
                        vision.integer("patch_size"),
                        width,
                        vision.integer("layers"),
                        heads,
                        headDim,
                        vision.integer("mlp_width"),
                        Architecture.DEFAULT_EPS);
            case "resnet" ->
                new Architecture.ResNet(
                        image,
                        width,
                        vision.integers("layers", 4),
                        heads,
                        headDim,
                        vision.integer("attnpool_width"),
                        Architecture.DEFAULT_EPS);
            default -> throw vision.error("type", "is '" + vision.string("type") + "'; wanted vit or resnet");
        };
    }
}
