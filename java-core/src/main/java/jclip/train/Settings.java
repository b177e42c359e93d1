package jclip.train;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jclip.train.Setting.Kind;

/** The settings' table and their ranges. */
final class Settings {
    static final List<Setting> ALL = List.of(
            text("output", "", "Folder of everything that the run writes."),
            flag("resume", false, "Go on from the newest state in the output folder."),
            text("model_config", "", "The model, as open_clip's JSON."),
            text("init", "", "Checkpoint to start from."),
            text("vocab", "", "Vocabulary file or folder; none is CLIP's own."),
            texts("train_data", "Pairs to learn: shards, a CSV or TSV, or a folder of classes; PATH@WEIGHT for a mixture."),
            texts("val_data", "Pairs to validate on."),
            text("classes", "", "Class names of labelled data, one a line."),
            text("templates", "", "Prompt templates of labelled data, one a line with {}."),
            choice("loss", "Contrastive loss.", "clip", "siglip"),
            integer("steps", 0, "Optimiser steps; 0: by epochs."),
            integer("epochs", 1, "Passes over the data where steps is 0."),
            integer("batch_size", 64, "Pairs a step and a chunk of accumulation."),
            integer("accum_freq", 1, "Batches accumulated to one step."),
            integer("chunk_size", 0, "Pairs whose activations are held at a time (gradient cache); 0: the whole batch."),
            choice("accum_logit_scale", "Logit scale's gradient under accumulation.", "exact", "open_clip"),
            number("lr", 5e-4, "Highest learning rate."),
            number("beta1", 0.9, "AdamW's first decay."),
            number("beta2", 0.98, "AdamW's second decay; the paper's ResNets: 0.999."),
            number("eps", 1e-6, "AdamW's epsilon; the paper's ResNets: 1e-8."),
            number("weight_decay", 0.2, "Decoupled weight decay."),
            number("grad_clip_norm", 0, "Largest norm of all gradients; 0: no limit."),
            integer("warmup", -1, "Steps of linear rise; -1: a tenth of all, at most 2000."),
            choice("schedule", "Learning rate after the warm-up.", "cosine", "const", "const_cooldown"),
            integer("cooldown_steps", 0, "Steps of the fall at the end (const_cooldown)."),
            number("cooldown_power", 1, "Power of the fall."),
            number("cooldown_end_lr", 0, "Learning rate at the end of the fall."),
            number("layer_decay", 1, "Learning-rate factor from a layer to the one before it."),
            number("ema_decay", 0, "Decay of averaged parameters; 0: none are kept."),
            flag("ema_warmup", false, "Lower decay at the first updates."),
            flag("freeze_image", false, "The image tower stays as it is."),
            integer("unlocked_groups", 0, "Last groups of a frozen image tower that learn."),
            flag("freeze_bn_stats", false, "A frozen tower's BatchNorm keeps its statistics."),
            flag("freeze_text", false, "The text tower stays as it is."),
            number("patch_dropout", 0, "Share of image patches left out."),
            flag("recompute", false, "Compute each block again in the backward pass: less memory, more time."),
            flag("cut_text", true, "Leave out what follows the end of the longest text."),
            number("aug_scale_min", 0.9, "Smallest share of a picture's area that a random crop takes."),
            number("aug_scale_max", 1, "Largest share."),
            number("aug_ratio_min", 0.75, "Smallest ratio of a crop's width to its height."),
            number("aug_ratio_max", 4.0 / 3, "Largest ratio."),
            choice("precision", "Of the products.", "fp32", "bf16"),
            integer("seed", 0, "Of everything random."),
            integer("threads", 0, "0: as many as the machine has cores."),
            integer("workers", 0, "Threads that read data; 0: as many as fit."),
            integer("checkpoint_every", 1000, "Steps between saved states; 0: at the end only."),
            integer("keep_checkpoints", 2, "Newest states kept, beside the best."),
            integer("log_every", 10, "Steps between log lines."),
            integer("val_every", 0, "Steps between validations; 0: at the end only."));

    /** Numbers' limits, both included unless open. */
    static final Map<String, Range> RANGES = ranges();

    private static final int NEAR = 4;

    record Range(double from, double to, boolean open) {
        void check(String key, double value) {
            boolean above = open ? value > from : value >= from;
            if (!above || value > to) {
                throw new IllegalArgumentException("setting '" + key + "' is " + value + "; wanted "
                        + (open ? "> " : ">= ") + from + (to < Integer.MAX_VALUE ? " and at most " + to : ""));
            }
        }
    }

    private Settings() {}

    private static Map<String, Range> ranges() {
        Map<String, Range> ranges = new LinkedHashMap<>();
        for (String key : List.of("batch_size", "accum_freq", "epochs", "keep_checkpoints", "log_every")) {
            ranges.put(key, new Range(1, Integer.MAX_VALUE, false));
        }
        for (String key : List.of(
                "steps",
                "chunk_size",
                "cooldown_steps",
                "unlocked_groups",
                "threads",
                "workers",
                "checkpoint_every",
                "val_every",
                "lr",
                "weight_decay",
                "grad_clip_norm",
                "cooldown_end_lr")) {
            ranges.put(key, new Range(0, Integer.MAX_VALUE, false));
        }
        ranges.put("warmup", new Range(-1, Integer.MAX_VALUE, false));
        for (String key : List.of("beta1", "beta2", "ema_decay", "patch_dropout")) {
            ranges.put(key, new Range(0, Math.nextDown(1.0), false));
        }
        for (String key : List.of("eps", "cooldown_power", "aug_ratio_min", "aug_ratio_max")) {
            ranges.put(key, new Range(0, Integer.MAX_VALUE, true));
        }
        for (String key : List.of("layer_decay", "aug_scale_min", "aug_scale_max")) {
            ranges.put(key, new Range(Double.MIN_VALUE, 1, false));
        }
        return Map.copyOf(ranges);
    }

    /** The setting of a name, with dashes or underscores. */
    static Setting find(String name) {
        String key = name.replace('-', '_');
        return ALL.stream()
                .filter(setting -> setting.key().equals(key))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no setting '" + name + "'" + nearest(key)));
    }

    private static String nearest(String key) {
        return ALL.stream()
                .map(Setting::key)
                .min(Comparator.comparingInt(known -> distance(key, known)))
                .filter(known -> distance(key, known) <= NEAR)
                .map(known -> "; did you mean '" + known + "'?")
                .orElse("");
    }

    /** Levenshtein's. */
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }

    private static Setting text(String key, String standard, String description) {
        return new Setting(key, Kind.TEXT, standard, description, List.of());
    }

    private static Setting texts(String key, String description) {
        return new Setting(key, Kind.TEXTS, List.of(), description, List.of());
    }

    /** The first choice is the standard. */
    private static Setting choice(String key, String description, String... choices) {
        return new Setting(key, Kind.TEXT, choices[0], description, List.of(choices));
    }

    private static Setting integer(String key, long standard, String description) {
        return new Setting(key, Kind.INTEGER, standard, description, List.of());
    }

    private static Setting number(String key, double standard, String description) {
        return new Setting(key, Kind.NUMBER, standard, description, List.of());
    }

    private static Setting flag(String key, boolean standard, String description) {
        return new Setting(key, Kind.FLAG, standard, description, List.of());
    }
}
