package jclip.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The configuration of open_clip: {@code model_cfg} and {@code preprocess_cfg}. Keys that this library does not
 * implement are accepted only with the value that means "off".
 */
final class OpenClipConfig {
    static final String FILE = "open_clip_config.json";

    private static final Set<String> MODEL_KEYS = Set.of("embed_dim", "vision_cfg", "text_cfg", "quick_gelu");
    private static final Set<String> VISION_KEYS =
            Set.of("layers", "width", "head_width", "mlp_ratio", "patch_size", "image_size", "norm_kwargs");
    private static final Set<String> TEXT_KEYS = Set.of(
            "context_length",
            "vocab_size",
            "width",
            "heads",
            "layers",
            "mlp_ratio",
            "eos_id",
            "pool_type",
            "norm_kwargs");
    /** Keys that do not change what is computed at inference. */
    private static final Set<String> IRRELEVANT = Set.of(
            "init_logit_scale",
            "output_dict",
            "cast_dtype",
            "patch_dropout",
            "output_tokens",
            "pad_id",
            "attn_pooler_queries",
            "attn_pooler_heads",
            "attn_pooler_contrastive",
            "timm_pool",
            "timm_proj",
            "timm_proj_bias",
            "timm_drop",
            "hf_model_pretrained",
            "timm_model_pretrained",
            "hf_proj_type",
            "hf_pooler_type");
    /** Keys and the value that means the plain model. */
    private static final Map<String, Object> PLAIN = Map.ofEntries(
            Map.entry("pos_embed_type", "learnable"),
            Map.entry("proj_type", "linear"),
            Map.entry("pool_type", "tok"),
            Map.entry("tokenizer_mode", "clean"));

    private OpenClipConfig() {}

    static Architecture architecture(Config file) {
        Config model = file.has("model_cfg") ? file.object("model_cfg") : file;
        if (!model.has("vision_cfg") || !model.has("text_cfg")) {
            throw model.error(
                    model.has("vision_cfg") ? "text_cfg" : "vision_cfg", "is missing: not an open_clip configuration");
        }
        checkKeys(model, MODEL_KEYS);
        try {
            return new Architecture(
                    model.integer("embed_dim"),
                    model.bool("quick_gelu", false) ? Activation.QUICK_GELU : Activation.GELU,
                    vision(model.object("vision_cfg")),
                    text(model.object("text_cfg")));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.BAD_CONFIG, file.source() + ": " + e.getMessage(), e);
        }
    }

    private static Architecture.Vision vision(Config vision) {
        checkKeys(vision, VISION_KEYS);
        int image = imageSize(vision);
        int width = vision.integer("width", 768);
        int headWidth = Math.max(1, vision.integer("head_width", 64));
        if (vision.has("layers") && vision.get("layers") instanceof List<?>) {
            int poolWidth = 32 * Math.min(width, 1 << 20);
            int heads = poolWidth / headWidth;
            return new Architecture.ResNet(
                    image,
                    width,
                    vision.integers("layers", 4),
                    heads,
                    headDim(poolWidth, heads),
                    poolWidth,
                    Architecture.DEFAULT_EPS);
        }
        int heads = width / headWidth;
        return new Architecture.Vit(
                image,
                vision.integer("patch_size", 16),
                width,
                vision.integer("layers", 12),
                heads,
                headDim(width, heads),
                (int) (width * vision.number("mlp_ratio", 4)),
                eps(vision));
    }

    /** The number of heads comes first; a head_width that does not divide the width is rounded up by it. */
    private static int headDim(int width, int heads) {
        return heads == 0 ? 0 : width / heads;
    }

    private static int imageSize(Config vision) {
        if (vision.has("image_size") && vision.get("image_size") instanceof List<?>) {
            List<Integer> sides = vision.integers("image_size", 2);
            if (!sides.get(0).equals(sides.get(1))) {
                throw vision.error("image_size", "is " + sides + "; only square pictures are supported");
            }
            return sides.getFirst();
        }
        return vision.integer("image_size", 224);
    }

    private static Architecture.Text text(Config text) {
        checkKeys(text, TEXT_KEYS);
        int width = text.integer("width", 512);
        int heads = text.integer("heads", 8);
        Architecture.Pool pool =
                switch (text.string("pool_type", "argmax")) {
                    case "argmax" -> Architecture.Pool.ARGMAX;
                    case "eos" -> Architecture.Pool.EOS;
                    default ->
                        throw text.error("pool_type", "is '" + text.get("pool_type") + "'; supported: argmax, eos");
                };
        int eos = pool == Architecture.Pool.EOS ? text.integer("eos_id", 2) : -1;
        return new Architecture.Text(
                text.integer("context_length", 77),
                text.integer("vocab_size", 49408),
                width,
                text.integer("layers", 12),
                heads,
                headDim(width, heads),
                (int) (width * text.number("mlp_ratio", 4)),
                pool,
                eos,
                eps(text));
    }

    private static double eps(Config tower) {
        if (!tower.has("norm_kwargs")) {
            return Architecture.DEFAULT_EPS;
        }
        Config norm = tower.object("norm_kwargs");
        checkKeys(norm, Set.of("eps"));
        return norm.number("eps", Architecture.DEFAULT_EPS);
    }

    private static void checkKeys(Config config, Set<String> known) {
        for (String key : config.keys()) {
            if (known.contains(key) || IRRELEVANT.contains(key) || !config.has(key)) {
                continue;
            }
            Object value = config.get(key);
            boolean empty = value instanceof Map<?, ?> map && map.isEmpty();
            if (!value.equals(false) && !value.equals(PLAIN.get(key)) && !empty) {
                throw config.error(
                        key, "is " + value + ", which is not supported; leave it out for a plain CLIP model");
            }
        }
    }

    static Preprocess preprocess(Config file, int imageSize) {
        if (!file.has("preprocess_cfg")) {
            return Preprocess.standard(imageSize);
        }
        Config config = file.object("preprocess_cfg");
        String mode = config.string("mode", "RGB");
        if (!mode.equals("RGB")) {
            throw config.error("mode", "is '" + mode + "'; supported: RGB");
        }
        String interpolation = config.string("interpolation", "bicubic");
        try {
            return new Preprocess(
                    imageSize,
                    config.floats("mean", 3, Preprocess.MEAN),
                    config.floats("std", 3, Preprocess.STD),
                    interpolation.equals("random") ? "bicubic" : interpolation,
                    config.string("resize_mode", "shortest"),
                    config.integer("fill_color", 0));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.BAD_CONFIG, file.source() + ": preprocess_cfg: " + e.getMessage(), e);
        }
    }

    /** The configuration that {@link #architecture} and {@link #preprocess} read back. */
    static Map<String, Object> write(Architecture architecture, Preprocess preprocess) {
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("embed_dim", architecture.embedDim());
        if (architecture.activation() == Activation.QUICK_GELU) {
            model.put("quick_gelu", true);
        }
        model.put("vision_cfg", writeVision(architecture.vision()));
        model.put("text_cfg", writeText(architecture.text()));
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("mean", preprocess.mean());
        config.put("std", preprocess.std());
        config.put("interpolation", preprocess.interpolation());
        config.put("resize_mode", preprocess.resizeMode());
        config.put("mode", "RGB");
        config.put("fill_color", preprocess.fillColor());
        Map<String, Object> file = new LinkedHashMap<>();
        file.put("model_cfg", model);
        file.put("preprocess_cfg", config);
        return file;
    }

    private static Map<String, Object> writeVision(Architecture.Vision vision) {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("image_size", vision.imageSize());
        switch (vision) {
            case Architecture.Vit vit -> {
                config.put("layers", vit.layers());
                config.put("patch_size", vit.patchSize());
                writeWidths(config, vit.width(), vit.mlpWidth(), vit.eps());
            }
            case Architecture.ResNet net -> {
                config.put("layers", net.layers());
                config.put("width", net.width());
            }
        }
        config.put("head_width", vision.headDim());
        return config;
    }

    private static Map<String, Object> writeText(Architecture.Text text) {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("context_length", text.contextLength());
        config.put("vocab_size", text.vocabSize());
        config.put("heads", text.heads());
        config.put("layers", text.layers());
        writeWidths(config, text.width(), text.mlpWidth(), text.eps());
        if (text.pool() == Architecture.Pool.EOS) {
            config.put("pool_type", "eos");
            config.put("eos_id", text.eosId());
        }
        return config;
    }

    private static void writeWidths(Map<String, Object> config, int width, int mlpWidth, double eps) {
        config.put("width", width);
        if (mlpWidth != 4L * width) {
            double ratio = (double) mlpWidth / width;
            config.put("mlp_ratio", (int) (width * ratio) < mlpWidth ? Math.nextUp(ratio) : ratio);
        }
        if (eps != Architecture.DEFAULT_EPS) {
            config.put("norm_kwargs", Map.of("eps", eps));
        }
    }
}
