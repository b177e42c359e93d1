package jclip.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One object of a configuration file, with errors that name the file and the key's path. */
final class Config {
    private static final long LIMIT = 16L << 20;

    private final String source;
    private final String path;
    private final Map<String, Object> values;

    private Config(String source, String path, Map<String, Object> values) {
        this.source = source;
        this.path = path;
        this.values = values;
    }

    static Config read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            if (Files.size(file) > LIMIT) {
                throw new CheckpointException(
                        CheckpointException.Reason.BAD_CONFIG,
                        file + ": too large for a configuration: " + Files.size(file) + " bytes, limit " + LIMIT);
            }
            return read(in, file.toString());
        } catch (NoSuchFileException e) {
            throw new CheckpointException(CheckpointException.Reason.FILE_NOT_FOUND, file + ": no such file", e);
        } catch (IOException e) {
            throw new CheckpointException(CheckpointException.Reason.INPUT_OUTPUT, file + ": cannot be read: " + e, e);
        }
    }

    static Config read(InputStream in, String source) {
        try {
            return new Config(source, "", Json.object(in));
        } catch (IOException e) {
            throw new CheckpointException(CheckpointException.Reason.BAD_CONFIG, source + ": " + Json.complaint(e), e);
        }
    }

    String source() {
        return source;
    }

    Set<String> keys() {
        return values.keySet();
    }

    Map<String, Object> values() {
        return values;
    }

    /** Whether the key is there and not null. */
    boolean has(String key) {
        return values.containsKey(key) && !values.get(key).equals(Optional.empty());
    }

    Object get(String key) {
        Object value = values.get(key);
        if (value == null || value.equals(Optional.empty())) {
            throw error(key, "is missing");
        }
        return value;
    }

    CheckpointException error(String key, String what) {
        return error(CheckpointException.Reason.BAD_CONFIG, key, what);
    }

    CheckpointException error(CheckpointException.Reason reason, String key, String what) {
        return new CheckpointException(reason, source + ": '" + path + key + "' " + what);
    }

    int integer(String key) {
        if (get(key) instanceof Long value && value >= 0 && value <= Integer.MAX_VALUE) {
            return value.intValue();
        }
        throw error(key, "is " + get(key) + "; wanted an integer that is not negative");
    }

    int integer(String key, int absent) {
        return has(key) ? integer(key) : absent;
    }

    double number(String key, double absent) {
        if (!has(key)) {
            return absent;
        }
        if (get(key) instanceof Number value) {
            return value.doubleValue();
        }
        throw error(key, "is " + get(key) + "; wanted a number");
    }

    boolean bool(String key, boolean absent) {
        if (!has(key)) {
            return absent;
        }
        if (get(key) instanceof Boolean value) {
            return value;
        }
        throw error(key, "is " + get(key) + "; wanted true or false");
    }

    String string(String key) {
        if (get(key) instanceof String value) {
            return value;
        }
        throw error(key, "is " + get(key) + "; wanted a string");
    }

    String string(String key, String absent) {
        return has(key) ? string(key) : absent;
    }

    Config object(String key) {
        return of(key, get(key));
    }

    /** The object under the key with the entries of an object under another key laid over it. */
    Config object(String key, String over) {
        Map<String, Object> merged = new java.util.LinkedHashMap<>();
        for (String name : List.of(key, over)) {
            if (has(name)) {
                merged.putAll(object(name).values);
            }
        }
        return new Config(source, path + key + ".", merged);
    }

    @SuppressWarnings("unchecked")
    private Config of(String key, Object value) {
        if (value instanceof Map<?, ?> map) {
            return new Config(source, path + key + ".", (Map<String, Object>) map);
        }
        throw error(key, "is " + value + "; wanted an object");
    }

    List<?> list(String key) {
        if (get(key) instanceof List<?> list) {
            return list;
        }
        throw error(key, "is " + get(key) + "; wanted a list");
    }

    List<Integer> integers(String key, int count) {
        List<?> list = list(key);
        if (list.size() != count || !list.stream().allMatch(Config::isSize)) {
            throw error(key, "is " + list + "; wanted " + count + " positive integers");
        }
        return list.stream().map(value -> ((Long) value).intValue()).toList();
    }

    private static boolean isSize(Object value) {
        return value instanceof Long number && number > 0 && number <= Integer.MAX_VALUE;
    }

    List<Float> floats(String key, int count, List<Float> absent) {
        if (!has(key)) {
            return absent;
        }
        List<?> list = list(key);
        if (list.size() != count || !list.stream().allMatch(Number.class::isInstance)) {
            throw error(key, "is " + list + "; wanted " + count + " numbers");
        }
        return list.stream().map(value -> ((Number) value).floatValue()).toList();
    }
}
