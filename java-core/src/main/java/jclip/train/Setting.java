package jclip.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One setting of a run: a key of the configuration file, and the flag of the same name.
 *
 * @param key as in the file, words joined by underscores
 * @param kind of its value
 * @param standard the value where none is given: a Long, Double, Boolean, String or list of strings
 * @param description for a person, with its unit
 * @param choices what a text may be; empty if anything
 */
public record Setting(String key, Kind kind, Object standard, String description, List<String> choices) {
    /** What a value is. */
    public enum Kind {
        /** A string; empty stands for none. */
        TEXT,
        /** A whole number. */
        INTEGER,
        /** A finite number. */
        NUMBER,
        /** True or false. */
        FLAG,
        /** A list of strings. */
        TEXTS
    }

    /** The flag: {@code --batch-size} for {@code batch_size}. */
    public String flag() {
        return "--" + key.replace('_', '-');
    }

    /** A value of this setting's kind, from a file (as parsed) or a flag (a string or a list of strings). */
    Object value(Object given) {
        try {
            return checked(
                    switch (kind) {
                        case TEXT -> (String) given;
                        case INTEGER -> given instanceof String text ? Long.parseLong(text) : whole(given);
                        case NUMBER ->
                            given instanceof String text ? Double.parseDouble(text) : ((Number) given).doubleValue();
                        case FLAG -> given instanceof String text ? truth(text) : (Boolean) given;
                        case TEXTS -> texts(given);
                    });
        } catch (ClassCastException | NumberFormatException e) {
            throw wrong(given);
        }
    }

    private Object checked(Object value) {
        boolean chosen = choices.isEmpty() || choices.contains(value);
        if (!chosen || (value instanceof Double number && !Double.isFinite(number))) {
            throw wrong(value);
        }
        return value;
    }

    private static long whole(Object given) {
        return given instanceof Integer number ? number : (Long) given;
    }

    private static boolean truth(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new NumberFormatException(text);
        };
    }

    private static List<String> texts(Object given) {
        if (given instanceof String text) {
            return List.of(text);
        }
        List<String> texts = new ArrayList<>();
        ((List<?>) given).forEach(item -> texts.add((String) item));
        return List.copyOf(texts);
    }

    private IllegalArgumentException wrong(Object found) {
        String wanted =
                switch (kind) {
                    case TEXT -> "a string";
                    case INTEGER -> "a whole number";
                    case NUMBER -> "a finite number";
                    case FLAG -> "true or false";
                    case TEXTS -> "a string or a list of strings";
                };
        return new IllegalArgumentException("setting '" + key + "' is " + found + "; wanted "
                + (choices.isEmpty() ? wanted : "one of " + String.join(", ", choices)));
    }
}
