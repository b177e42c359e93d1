package jclip.checkpoint;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The configuration of Hugging Face's CLIPModel and CLIPImageProcessor. */
final class HuggingFaceConfig {
    static final String FILE = "config.json";
    static final String PREPROCESSOR = "preprocessor_config.json";

    private static final List<String> RESAMPLING = List.of("nearest", "lanczos", "bilinear", "bicubic");

    private HuggingFaceConfig() {}

    static Architecture architecture(Config file) {
        String type = file.string("model_type", "");
        if (!type.equals("clip")) {
            throw file.error("model_type", "is '" + type + "'; wanted 'clip'");
        }
        // transformers lays the older *_config_dict entries over *_config
        Config vision = file.object("vision_config", "vision_config_dict");
        Config text = file.object("text_config", "text_config_dict");
        Activation activation = activation(vision);
        if (activation(text) != activation) {
            throw text.error(
                    CheckpointException.Reason.ACTIVATION_UNSUPPORTED,
                    "hidden_act",
                    "differs from vision_config's; both towers must have the same activation");
        }
        if (vision.integer("num_channels", 3) != 3) {
            throw vision.error("num_channels", "is " + vision.get("num_channels") + "; wanted 3");
        }
        try {
            return new Architecture(file.integer("projection_dim", 512), activation, vision(vision), text(text));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.BAD_CONFIG, file.source() + ": " + e.getMessage(), e);
        }
    }

    private static Activation activation(Config tower) {
        String name = tower.string("hidden_act", "quick_gelu");
        return Activation.named(name)
                .orElseThrow(() -> tower.error(
                        CheckpointException.Reason.ACTIVATION_UNSUPPORTED,
                        "hidden_act",
                        "is '" + name + "', an unsupported activation; supported: quick_gelu, gelu (exact)"));
    }

    private static Architecture.Vit vision(Config vision) {
        int width = vision.integer("hidden_size", 768);
        int heads = vision.integer("num_attention_heads", 12);
        return new Architecture.Vit(
                vision.integer("image_size", 224),
                vision.integer("patch_size", 32),
                width,
                vision.integer("num_hidden_layers", 12),
                heads,
                heads == 0 ? 0 : width / heads,
                vision.integer("intermediate_size", 3072),
                vision.number("layer_norm_eps", Architecture.DEFAULT_EPS));
    }

    private static Architecture.Text text(Config text) {
        int width = text.integer("hidden_size", 512);
        int heads = text.integer("num_attention_heads", 8);
        int eos = text.integer("eos_token_id", 49407);
        // 2 is what old configurations say wrongly; transformers pools at the highest id then
        boolean argmax = eos == 2;
        return new Architecture.Text(
                text.integer("max_position_embeddings", 77),
                text.integer("vocab_size", 49408),
                width,
                text.integer("num_hidden_layers", 12),
                heads,
                heads == 0 ? 0 : width / heads,
                text.integer("intermediate_size", 2048),
                argmax ? Architecture.Pool.ARGMAX : Architecture.Pool.EOS,
                argmax ? -1 : eos,
                text.number("layer_norm_eps", Architecture.DEFAULT_EPS));
    }

    static Preprocess preprocess(Path file, int imageSize) {
        Config config = Config.read(file);
        for (String step : List.of("do_resize", "do_rescale", "do_normalize")) {
            if (!config.bool(step, true)) {
                throw config.error(step, "is false, which is not supported");
            }
        }
        double factor = config.number("rescale_factor", 1 / 255.0);
        if (Math.abs(factor * 255 - 1) > 1e-6) {
            throw config.error("rescale_factor", "is " + factor + "; wanted 1/255");
        }
        try {
            return new Preprocess(
                    imageSize,
                    config.floats("image_mean", 3, Preprocess.MEAN),
                    config.floats("image_std", 3, Preprocess.STD),
                    interpolation(config),
                    resizeMode(config, imageSize),
                    0);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(CheckpointException.Reason.BAD_CONFIG, file + ": " + e.getMessage(), e);
        }
    }

    private static String interpolation(Config config) {
        int resample = config.integer("resample", 3);
        if (resample >= RESAMPLING.size() || resample == 1) {
            throw config.error("resample", "is " + resample + "; supported: 0 (nearest), 2 (bilinear), 3 (bicubic)");
        }
        return RESAMPLING.get(resample);
    }

    private static String resizeMode(Config config, int imageSize) {
        int shortest = -1;
        boolean squash = false;
        if (!config.has("size")) {
            shortest = imageSize;
        } else if (config.get("size") instanceof Long) {
            shortest = config.integer("size");
        } else {
            Config size = config.object("size");
            squash = !size.has("shortest_edge");
            shortest = squash ? size.integer("height") : size.integer("shortest_edge");
            if (squash && size.integer("width") != shortest) {
                throw config.error("size", "is not square, which is not supported");
            }
        }
        checkCrop(config, squash, shortest, imageSize);
        return squash ? "squash" : "shortest";
    }

    private static void checkCrop(Config config, boolean squash, int resized, int imageSize) {
        if (!squash && !config.bool("do_center_crop", true)) {
            throw config.error(
                    "do_center_crop", "is false, but the shortest side is resized: pictures would differ in size");
        }
        int crop = resized;
        if (config.has("crop_size") && config.bool("do_center_crop", true)) {
            crop = config.get("crop_size") instanceof Long
                    ? config.integer("crop_size")
                    : config.object("crop_size").integer("height");
        }
        if (resized != imageSize || crop != imageSize) {
            throw config.error(
                    "size",
                    "resizes to " + resized + " and crops to " + crop + "; the model wants " + imageSize + " for both");
        }
    }

    /** The {@code config.json} that {@link #architecture} reads back. */
    static Map<String, Object> write(Architecture architecture, float logitScale) {
        if (!(architecture.vision() instanceof Architecture.Vit vit)) {
            throw new CheckpointException(
                    CheckpointException.Reason.UNSUPPORTED_FORMAT,
                    "Hugging Face's CLIP has no ResNet tower; write the OpenCLIP layout");
        }
        Architecture.Text text = architecture.text();
        if (text.eosId() == 2) {
            throw new CheckpointException(
                    CheckpointException.Reason.UNSUPPORTED_FORMAT,
                    "Hugging Face's configuration cannot say"
                            + " that texts end at id 2 (there 2 means the highest id); write the OpenCLIP layout");
        }
        Map<String, Object> file = new LinkedHashMap<>();
        file.put("architectures", List.of("CLIPModel"));
        file.put("model_type", "clip");
        file.put("projection_dim", architecture.embedDim());
        file.put("logit_scale_init_value", logitScale);
        Map<String, Object> textConfig = writeTower(
                "clip_text_model",
                architecture,
                text.width(),
                text.layers(),
                text.heads(),
                text.mlpWidth(),
                text.eps());
        textConfig.put("max_position_embeddings", text.contextLength());
        textConfig.put("vocab_size", text.vocabSize());
        textConfig.put("bos_token_id", Math.max(text.vocabSize() - 2, 0));
        textConfig.put("eos_token_id", text.pool() == Architecture.Pool.ARGMAX ? 2 : text.eosId());
        file.put("text_config", textConfig);
        Map<String, Object> visionConfig = writeTower(
                "clip_vision_model", architecture, vit.width(), vit.layers(), vit.heads(), vit.mlpWidth(), vit.eps());
        visionConfig.put("image_size", vit.imageSize());
        visionConfig.put("patch_size", vit.patchSize());
        visionConfig.put("num_channels", 3);
        file.put("vision_config", visionConfig);
        return file;
    }

    private static Map<String, Object> writeTower(
            String type, Architecture architecture, int width, int layers, int heads, int mlpWidth, double eps) {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("model_type", type);
        config.put("hidden_act", architecture.activation().configName());
        config.put("hidden_size", width);
        config.put("intermediate_size", mlpWidth);
        config.put("layer_norm_eps", eps);
        config.put("num_attention_heads", heads);
        config.put("num_hidden_layers", layers);
        config.put("projection_dim", architecture.embedDim());
        return config;
    }

    /** The {@code preprocessor_config.json} that {@link #preprocess} reads back. */
    static Map<String, Object> write(Preprocess preprocess) {
        if (preprocess.resizeMode().equals("longest")) {
            throw new CheckpointException(
                    CheckpointException.Reason.UNSUPPORTED_FORMAT,
                    "Hugging Face's CLIPImageProcessor"
                            + " cannot pad to a square (resize_mode longest); write the OpenCLIP layout");
        }
        boolean shortest = preprocess.resizeMode().equals("shortest");
        Map<String, Object> square = new LinkedHashMap<>();
        square.put("height", preprocess.size());
        square.put("width", preprocess.size());
        Map<String, Object> file = new LinkedHashMap<>();
        file.put("image_processor_type", "CLIPImageProcessor");
        file.put("do_convert_rgb", true);
        file.put("do_resize", true);
        file.put("size", shortest ? Map.of("shortest_edge", preprocess.size()) : square);
        file.put("resample", RESAMPLING.indexOf(preprocess.interpolation()));
        file.put("do_center_crop", shortest);
        file.put("crop_size", square);
        file.put("do_rescale", true);
        file.put("rescale_factor", 1 / 255.0);
        file.put("do_normalize", true);
        file.put("image_mean", preprocess.mean());
        file.put("image_std", preprocess.std());
        return file;
    }
}
