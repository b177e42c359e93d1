package jclip.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a run: those given, and the defaults of all others. Immutable; what contradicts itself is refused when it is made.
 */
public final class TrainingConfig {
    /** Settings that may differ between the sittings of one run: they do not change its numbers. */
    private static final Set<Setting> FREE = Set.of(
            Setting.OUTPUT,
            Setting.RESUME,
            Setting.WORKERS,
            Setting.THREADS,
            Setting.CHECKPOINT_EVERY,
            Setting.KEEP_CHECKPOINTS,
            Setting.LOG_EVERY,
            Setting.VAL_EVERY,
            Setting.VAL_DATA);

    private final Map<Setting, Object> given;

    private TrainingConfig(Map<Setting, Object> given) {
        this.given = given;
        check();
    }

    /**
     * Settings by value: a String, Long, Double, Boolean, or list of Strings, as the setting's type wants.
     *
     * @throws IllegalArgumentException if they contradict each other
     */
    public static TrainingConfig of(Map<Setting, ?> settings) {
        return new TrainingConfig(new EnumMap<>(settings));
    }

    /**
     * Reads a configuration file.
     *
     * @return the values that it gives, to be completed or overridden
     * @throws IllegalArgumentException if the file is no JSON object, or has an unknown key or a value of another type
     */
    public static Map<Setting, Object> read(Path file) {
        Map<String, @Nullable Object> fields;
        try {
            byte[] bytes = Files.readAllBytes(file);
            fields = Json.object(bytes, 0, bytes.length);
        } catch (IOException e) {
            throw new IllegalArgumentException(file + ": " + Json.complaint(e), e);
        }
        Map<Setting, Object> settings = new EnumMap<>(Setting.class);
        fields.forEach((key, value) -> {
            try {
                Setting setting = Setting.of(key);
                if (value != null) {
                    settings.put(setting, typed(setting, value));
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
            }
        });
        return settings;
    }

    private static Object typed(Setting setting, Object value) {
        return switch (setting.type()) {
            case LIST -> {
                List<String> list = new ArrayList<>();
                for (Object item : value instanceof List<?> many ? many : List.of(value)) {
                    list.add(String.valueOf(item));
                }
                yield list;
            }
            case REAL -> setting.parse(String.valueOf(value));
            case TEXT, INTEGER, FLAG -> {
                boolean fits =
                        switch (setting.type()) {
                            case INTEGER -> value instanceof Long;
                            case FLAG -> value instanceof Boolean;
                            default -> value instanceof String;
                        };
                if (!fits) {
                    throw new IllegalArgumentException(setting.key() + " is " + value + "; wanted "
                            + setting.type().name().toLowerCase(java.util.Locale.ROOT));
                }
                yield value;
            }
        };
    }

    private void check() {
        require(!text(Setting.OUTPUT).isEmpty(), Setting.OUTPUT, "a folder");
        boolean scratch = given.containsKey(Setting.MODEL_CONFIG);
        if (scratch == given.containsKey(Setting.INIT)) {
            throw new IllegalArgumentException(
                    "give model_config to train from scratch, or init to fine-tune: one of the two");
        }
        int weights = list(Setting.TRAIN_WEIGHTS).size();
        require(
                weights == 0 || weights == list(Setting.TRAIN_DATA).size(),
                Setting.TRAIN_WEIGHTS,
                "as many as training sets");
        oneOf(Setting.LOSS, "clip", "siglip");
        oneOf(Setting.SCHEDULE, "cosine", "const", "const-cooldown");
        oneOf(Setting.ACCUM_LOGIT_SCALE, "exact", "open_clip");
        oneOf(Setting.PRECISION, "fp32", "bf16");
        for (Setting setting : List.of(
                Setting.BATCH_SIZE,
                Setting.ACCUM_FREQ,
                Setting.CHECKPOINT_EVERY,
                Setting.KEEP_CHECKPOINTS,
                Setting.LOG_EVERY)) {
            require(integer(setting) >= 1, setting, "at least 1");
        }
        for (Setting setting : Setting.values()) {
            if (setting.type() == Setting.Type.INTEGER && setting != Setting.SEED) {
                require(whole(setting) >= 0 && whole(setting) <= Integer.MAX_VALUE, setting, "0 or more");
            } else if (setting.type() == Setting.Type.REAL) {
                require(real(setting) >= 0, setting, "0 or more");
            }
        }
        require(real(Setting.PATCH_DROPOUT) < 1, Setting.PATCH_DROPOUT, "less than 1");
        require(
                integer(Setting.CHUNK_SIZE) == 0 || integer(Setting.ACCUM_FREQ) == 1,
                Setting.CHUNK_SIZE,
                "no accum_freq beside it");
        require(integer(Setting.BATCH_SIZE) % chunk() == 0, Setting.BATCH_SIZE, "a multiple of its chunks");
        require(list(Setting.CROP_SCALE).size() % 2 == 0, Setting.CROP_SCALE, "two numbers, or none");
        require(list(Setting.CROP_RATIO).size() == 2, Setting.CROP_RATIO, "two numbers");
    }

    private void require(boolean holds, Setting setting, String wanted) {
        if (!holds) {
            throw new IllegalArgumentException(setting.key() + " is " + value(setting) + "; wanted " + wanted);
        }
    }

    private void oneOf(Setting setting, String... words) {
        require(List.of(words).contains(text(setting)), setting, String.join(" or ", words));
    }

    private @Nullable Object value(Setting setting) {
        return given.getOrDefault(setting, setting.standard());
    }

    /** Whether the setting has a value, given or by default. */
    public boolean has(Setting setting) {
        return value(setting) != null;
    }

    /** A text; empty for none. */
    public String text(Setting setting) {
        return value(setting) instanceof String text ? text : "";
    }

    /** A whole number. */
    public int integer(Setting setting) {
        return Math.toIntExact(whole(setting));
    }

    /** A whole number of any size: the seed. */
    public long whole(Setting setting) {
        return value(setting) instanceof Long number ? number : 0;
    }

    /** A real number. */
    public double real(Setting setting) {
        return value(setting) instanceof Number number ? number.doubleValue() : 0;
    }

    /** A truth value. */
    public boolean flag(Setting setting) {
        return value(setting) instanceof Boolean flag && flag;
    }

    /** A list. */
    public List<String> list(Setting setting) {
        return value(setting) instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : List.of();
    }

    /** The folder of the run. */
    public Path output() {
        return Path.of(text(Setting.OUTPUT));
    }

    /** Pairs of a chunk. */
    public int chunk() {
        int size = integer(Setting.CHUNK_SIZE);
        int batch = integer(Setting.BATCH_SIZE);
        return size > 0 ? Math.min(size, batch) : Math.max(1, batch / integer(Setting.ACCUM_FREQ));
    }

    /** Steps of the whole run. */
    long steps(long stepsPerEpoch) {
        int steps = integer(Setting.STEPS);
        return steps > 0 ? steps : Math.max(1, Math.round(real(Setting.EPOCHS) * stepsPerEpoch));
    }

    Schedule schedule(long steps) {
        double base = real(Setting.LR);
        int warmup = integer(Setting.WARMUP);
        return switch (text(Setting.SCHEDULE)) {
            case "const" -> new Schedule.Constant(base, warmup);
            case "const-cooldown" ->
                new Schedule.ConstantCooldown(
                        base,
                        warmup,
                        steps,
                        integer(Setting.COOLDOWN),
                        real(Setting.COOLDOWN_POWER),
                        real(Setting.COOLDOWN_END_LR));
            default -> new Schedule.Cosine(base, warmup, steps);
        };
    }

    /** All settings with a value, resolved, in the table's order: what the run's config.json says. */
    public Map<String, Object> resolved() {
        Map<String, Object> all = new LinkedHashMap<>();
        for (Setting setting : Setting.values()) {
            Object value = value(setting);
            if (value != null) {
                all.put(setting.key(), value);
            }
        }
        return all;
    }

    byte[] json() {
        return Json.indented(resolved());
    }

    /**
     * That this is the configuration of the run that an earlier sitting wrote, up to what does not change its numbers.
     *
     * @throws IllegalArgumentException if another setting differs, naming it
     */
    void requireSameRun(Path written) {
        TrainingConfig before = of(read(written));
        for (Setting setting : Setting.values()) {
            if (!FREE.contains(setting) && !java.util.Objects.equals(before.value(setting), value(setting))) {
                throw new IllegalArgumentException(written + ": the run to resume has " + setting.key() + " = "
                        + before.value(setting) + ", not " + value(setting) + "; give it the same settings");
            }
        }
    }
}
