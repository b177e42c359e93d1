package jclip.train;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a run can be told: the keys of a configuration file and, with dashes for underscores, the flags of {@code jclip train}. This
 * table is the one place that knows their names, types, defaults and meanings.
 */
public enum Setting {
    OUTPUT(Type.TEXT, null, "Folder of the run."),
    RESUME(Type.FLAG, false, "Go on from the newest sound snapshot in the output folder."),
    MODEL_CONFIG(Type.TEXT, null, "Architecture as an open_clip JSON file: training from scratch."),
    INIT(Type.TEXT, null, "Checkpoint folder or file, or formula:NAME: fine-tuning."),
    VOCAB(Type.TEXT, null, "Vocabulary file or folder; default: the checkpoint's, or the standard one."),
    TRAIN_DATA(
            Type.LIST,
            List.of(),
            "Shards (folder, file, pattern), CSV/TSV table, or folder of classes; several are mixed."),
    TRAIN_WEIGHTS(Type.LIST, List.of(), "Share of each training set in the mixture; default: by size."),
    VAL_DATA(Type.TEXT, null, "As train_data: its loss is measured now and then, and the best state is kept."),
    LOSS(Type.TEXT, "clip", "clip or siglip."),
    STEPS(Type.INTEGER, 0L, "Optimiser steps; 0: epochs decide."),
    EPOCHS(Type.REAL, 1.0, "Times that all samples are seen, where steps is 0."),
    BATCH_SIZE(Type.INTEGER, 64L, "Pairs of a step; the loss is over all of them."),
    CHUNK_SIZE(Type.INTEGER, 0L, "Pairs whose activations are held at a time (GradCache); 0: the batch."),
    ACCUM_FREQ(Type.INTEGER, 1L, "Chunks of a batch, as open_clip counts; instead of chunk_size."),
    ACCUM_LOGIT_SCALE(
            Type.TEXT,
            "exact",
            "exact, or open_clip: with chunks the logit scale's gradient is multiplied by their number."),
    LR(Type.REAL, 5e-4, "Highest learning rate."),
    BETA1(Type.REAL, 0.9, "AdamW."),
    BETA2(Type.REAL, 0.98, "AdamW."),
    EPS(Type.REAL, 1e-6, "AdamW."),
    WEIGHT_DECAY(Type.REAL, 0.2, "AdamW; not on gains, biases and the logit scale."),
    WARMUP(Type.INTEGER, 0L, "Steps of linear rise."),
    SCHEDULE(Type.TEXT, "cosine", "cosine, const or const-cooldown."),
    COOLDOWN(Type.INTEGER, 0L, "Last steps of const-cooldown, in which the rate falls."),
    COOLDOWN_POWER(Type.REAL, 1.0, "How it falls: 1 along a line."),
    COOLDOWN_END_LR(Type.REAL, 0.0, "Where it falls to."),
    GRAD_CLIP_NORM(Type.REAL, 0.0, "Gradients are scaled down to this norm; 0: never."),
    LAYER_DECAY(Type.REAL, 1.0, "Factor of the learning rate from layer to layer, towards the input."),
    EMA_DECAY(Type.REAL, 0.0, "Moving average of the parameters, exported beside them; 0: none."),
    FREEZE_IMAGE(Type.FLAG, false, "Do not train the image tower (LiT)."),
    UNLOCKED_GROUPS(Type.INTEGER, 0L, "Of a frozen image tower train the last groups of layers."),
    FREEZE_BN_STATS(Type.FLAG, false, "Batch normalisations use their running statistics and leave them."),
    FREEZE_TEXT(Type.FLAG, false, "Do not train the text tower."),
    PATCH_DROPOUT(Type.REAL, 0.0, "Share of patches left out in training (ViT)."),
    RECOMPUTE(Type.FLAG, false, "Compute the blocks' activations a second time instead of keeping them."),
    CUT_TEXT(Type.FLAG, true, "Texts end behind their end token: the same result with less work."),
    CROP_SCALE(
            Type.LIST,
            List.of("0.9", "1"),
            "Smallest and largest part of a picture's area that a random crop shows; none: whole pictures."),
    CROP_RATIO(
            Type.LIST, List.of("0.75", "1.3333333333333333"), "Smallest and largest width / height of a random crop."),
    SEED(Type.INTEGER, 0L, "Of the first parameters, the order of the samples, crops, captions and dropped patches."),
    WORKERS(Type.INTEGER, 0L, "Threads that decode pictures; 0: one less than there are processors."),
    THREADS(Type.INTEGER, 0L, "Threads that compute; 0: as many as processors."),
    PRECISION(Type.TEXT, "fp32", "fp32, or bf16: products of operands rounded to bf16, sums and parameters in fp32."),
    CHECKPOINT_EVERY(Type.INTEGER, 500L, "Steps between snapshots."),
    KEEP_CHECKPOINTS(Type.INTEGER, 2L, "Newest snapshots that are kept; the best one is kept beside them."),
    LOG_EVERY(Type.INTEGER, 10L, "Steps between lines of the log."),
    VAL_EVERY(Type.INTEGER, 200L, "Steps between validations, where there is val_data.");

    /** What a value may be. */
    public enum Type {
        TEXT,
        INTEGER,
        REAL,
        FLAG,
        LIST
    }

    private final Type type;
    private final @Nullable Object standard;
    private final String description;

    Setting(Type type, @Nullable Object standard, String description) {
        this.type = type;
        this.standard = standard;
        this.description = description;
    }

    /** As in a configuration file: {@code batch_size}. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** As on the command line: {@code --batch-size}. */
    public String flag() {
        return "--" + key().replace('_', '-');
    }

    public Type type() {
        return type;
    }

    /** The value where none is given: a String, Long, Double, Boolean, or list of Strings; null for none. */
    public @Nullable Object standard() {
        return standard;
    }

    public String description() {
        return description;
    }

    /**
     * The setting of a key, with underscores or dashes.
     *
     * @throws IllegalArgumentException if there is none; names the nearest
     */
    public static Setting of(String key) {
        String wanted = key.replace('-', '_');
        return Arrays.stream(values())
                .filter(setting -> setting.key().equals(wanted))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no setting '" + key + "'; did you mean '"
                        + nearest(wanted).key() + "'?"));
    }

    private static Setting nearest(String key) {
        return Arrays.stream(values())
                .min(Comparator.comparingInt(setting -> distance(setting.key(), key)))
                .orElseThrow();
    }

    /** Levenshtein's. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        Arrays.setAll(row, j -> j);
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(change, Math.min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[b.length()];
    }

    /**
     * A value from text, as on the command line; lists are separated by commas.
     *
     * @throws IllegalArgumentException if it is none of this type
     */
    public Object parse(String text) {
        try {
            return switch (type) {
                case TEXT -> text;
                case INTEGER -> Long.valueOf(text);
                case REAL -> finite(Double.parseDouble(text));
                case FLAG -> flag(text);
                case LIST -> text.isEmpty() ? List.of() : List.of(text.split(","));
            };
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    key() + " is '" + text + "'; wanted " + (type == Type.REAL ? "a number" : "a whole number"), e);
        }
    }

    private Double finite(double value) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException(key() + " is " + value + "; wanted a finite number");
        }
        return value;
    }

    private Boolean flag(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(key() + " is '" + text + "'; wanted true or false");
        };
    }
}
