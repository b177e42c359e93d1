package jclip.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Every setting of a training run. As a file it is one JSON object whose keys are the flags of {@code jclip train} with
 * underscores (dashes are understood); a key that is left out has its standard value, an unknown one is an error. Immutable.
 *
 * <p>The groups below are read from it by name; {@link #settings()} lists all keys with what they mean.
 */
public final class TrainingConfig {
    private final Map<String, Object> values;

    private TrainingConfig(Map<String, Object> values) {
        this.values = Collections.unmodifiableMap(values);
        check();
    }

    /** Every setting, in the order of the file. */
    public static List<Setting> settings() {
        return Settings.ALL;
    }

    /** All at their standard values. */
    public static TrainingConfig standard() {
        Map<String, Object> values = new LinkedHashMap<>();
        Settings.ALL.forEach(setting -> values.put(setting.key(), setting.standard()));
        return new TrainingConfig(values);
    }

    /**
     * Reads a file.
     *
     * @throws IllegalArgumentException if it is no JSON object, or a key or value is wrong; the message names the file
     * @throws UncheckedIOException if it cannot be read
     */
    public static TrainingConfig read(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            return standard().with(Json.object(bytes, 0, bytes.length));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(file + ": " + Json.complaint(e), e);
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be read", e);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    /**
     * This with some settings replaced.
     *
     * @param changes values of the settings' kinds, or strings of them as on a command line
     * @throws IllegalArgumentException if a key is unknown or a value is wrong
     */
    public TrainingConfig with(Map<String, ? extends @Nullable Object> changes) {
        Map<String, Object> changed = new LinkedHashMap<>(values);
        changes.forEach((name, value) -> {
            Setting setting = Settings.find(name);
            if (value == null) {
                throw new IllegalArgumentException(
                        "setting '" + setting.key() + "' is null; leave it out for its standard value");
            }
            changed.put(setting.key(), setting.value(value));
        });
        return new TrainingConfig(changed);
    }

    /**
     * This with what depends on the data's size filled in: {@code steps}, and a warm-up of a tenth of them (at most
     * 2000) where none was chosen.
     */
    public TrainingConfig resolved(long stepsPerEpoch) {
        long all = length().steps() > 0 ? length().steps() : Math.multiplyExact(length().epochs(), stepsPerEpoch);
        long warmup = integer("warmup") >= 0 ? integer("warmup") : Math.min(2000, all / 10);
        return with(Map.of("steps", all, "warmup", warmup));
    }

    /** As a file: every key, indented. */
    public String json() {
        return new String(Json.indented(values), StandardCharsets.UTF_8) + "\n";
    }

    /** By key, in the order of {@link #settings()}. */
    public Map<String, Object> values() {
        return values;
    }

    /**
     * Where pairs come from.
     *
     * @param path shards, a list of pictures and captions, or a folder of classes
     * @param weight how often it is drawn, relative to others
     */
    public record Source(String path, double weight) {
        static Source parse(String text) {
            int at = text.lastIndexOf('@');
            double weight = 1;
            if (at > 0) {
                try {
                    weight = Double.parseDouble(text.substring(at + 1));
                } catch (NumberFormatException e) {
                    return new Source(text, 1); // an @ of the path
                }
            }
            if (!(weight > 0 && Double.isFinite(weight))) {
                throw new IllegalArgumentException("source '" + text + "' has weight " + weight + "; wanted > 0");
            }
            return new Source(at > 0 ? text.substring(0, at) : text, weight);
        }
    }

    /** What is trained: a configuration, a checkpoint to start from, a vocabulary. */
    public record Model(Optional<Path> config, Optional<Path> init, Optional<Path> vocab) {}

    /** Where pairs come from and how they are prepared. */
    public record Data(
            List<Source> train,
            List<Source> val,
            Optional<Path> classes,
            Optional<Path> templates,
            double scaleFrom,
            double scaleTo,
            double ratioFrom,
            double ratioTo,
            boolean cutText,
            int workers) {}

    /** How long and how large. {@code steps} 0: by {@code epochs}; {@code chunkSize} 0: no gradient cache. */
    public record Length(long steps, long epochs, int batchSize, int accumFreq, int chunkSize, long seed) {}

    /** AdamW's numbers and what goes with them; a norm, decay or factor of 0 or 1 as its setting says is off. */
    public record Optimiser(
            double beta1,
            double beta2,
            double eps,
            double weightDecay,
            double gradClipNorm,
            double emaDecay,
            boolean emaWarmup,
            double layerDecay,
            boolean exactLogitScale) {}

    /** What stays as it is. */
    public record Frozen(boolean image, int unlockedGroups, boolean batchNorm, boolean text) {}

    /** How it is computed. */
    public record Compute(String precision, double patchDropout, boolean recompute, int threads) {}

    /** How often something is written, in steps; 0 is at the end only. */
    public record Intervals(long checkpoint, int keep, long log, long val) {}

    /** The folder of everything that the run writes. */
    public Path output() {
        return Path.of(text("output"));
    }

    /** Whether to go on from the newest state in the output folder. */
    public boolean resume() {
        return flag("resume");
    }

    /** {@code clip} or {@code siglip}. */
    public String loss() {
        return text("loss");
    }

    /** What is trained. */
    public Model model() {
        return new Model(path("model_config"), path("init"), path("vocab"));
    }

    /** The data. */
    public Data data() {
        return new Data(
                sources("train_data"),
                sources("val_data"),
                path("classes"),
                path("templates"),
                number("aug_scale_min"),
                number("aug_scale_max"),
                number("aug_ratio_min"),
                number("aug_ratio_max"),
                flag("cut_text"),
                count("workers"));
    }

    /** Steps and batches. */
    public Length length() {
        return new Length(
                integer("steps"),
                integer("epochs"),
                count("batch_size"),
                count("accum_freq"),
                count("chunk_size"),
                integer("seed"));
    }

    /** The optimiser. */
    public Optimiser optimiser() {
        return new Optimiser(
                number("beta1"),
                number("beta2"),
                number("eps"),
                number("weight_decay"),
                number("grad_clip_norm"),
                number("ema_decay"),
                flag("ema_warmup"),
                number("layer_decay"),
                text("accum_logit_scale").equals("exact"));
    }

    /**
     * The learning rate over the steps.
     *
     * @throws IllegalStateException before {@link #resolved}
     */
    public Schedule schedule() {
        long steps = integer("steps");
        long warmup = integer("warmup");
        if (steps == 0 || warmup < 0) {
            throw new IllegalStateException("steps and warm-up are not resolved yet");
        }
        return switch (text("schedule")) {
            case "cosine" -> new Schedule.Cosine(number("lr"), warmup, steps);
            case "const" -> new Schedule.Constant(number("lr"), warmup);
            default ->
                new Schedule.ConstantCooldown(
                        number("lr"),
                        warmup,
                        steps,
                        integer("cooldown_steps"),
                        number("cooldown_power"),
                        number("cooldown_end_lr"));
        };
    }

    /** What stays as it is. */
    public Frozen frozen() {
        return new Frozen(flag("freeze_image"), count("unlocked_groups"), flag("freeze_bn_stats"), flag("freeze_text"));
    }

    /** How it is computed. */
    public Compute compute() {
        return new Compute(text("precision"), number("patch_dropout"), flag("recompute"), count("threads"));
    }

    /** How often something is written. */
    public Intervals intervals() {
        return new Intervals(
                integer("checkpoint_every"), count("keep_checkpoints"), integer("log_every"), integer("val_every"));
    }

    private void check() {
        Settings.RANGES.forEach((key, range) -> range.check(key, ((Number) get(key)).doubleValue()));
        sources("train_data");
        sources("val_data");
        requireOrder("aug_scale_min", "aug_scale_max");
        requireOrder("aug_ratio_min", "aug_ratio_max");
        if (count("chunk_size") > 0 && count("batch_size") % count("chunk_size") != 0) {
            throw new IllegalArgumentException("setting 'chunk_size' is " + get("chunk_size")
                    + "; wanted a divisor of batch_size, " + get("batch_size"));
        }
    }

    private void requireOrder(String low, String high) {
        if (number(low) > number(high)) {
            throw new IllegalArgumentException(
                    "setting '" + low + "' is " + get(low) + "; wanted at most " + high + ", " + get(high));
        }
    }

    private Object get(String key) {
        Object value = values.get(key);
        if (value == null) {
            throw new IllegalStateException("no setting '" + key + "'");
        }
        return value;
    }

    private String text(String key) {
        return (String) get(key);
    }

    private Optional<Path> path(String key) {
        return text(key).isEmpty() ? Optional.empty() : Optional.of(Path.of(text(key)));
    }

    private long integer(String key) {
        return (Long) get(key);
    }

    private int count(String key) {
        return Math.toIntExact(integer(key));
    }

    private double number(String key) {
        return (Double) get(key);
    }

    private boolean flag(String key) {
        return (Boolean) get(key);
    }

    private List<Source> sources(String key) {
        return ((List<?>) get(key))
                .stream().map(item -> Source.parse((String) item)).toList();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TrainingConfig config && config.values.equals(values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return json();
    }
}
