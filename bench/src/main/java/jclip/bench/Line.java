package jclip.bench;

import java.util.LinkedHashMap;
import java.util.Map;

/** A case in words: the operator and its sizes, as in {@code gemm rows=50 n=3072 k=768}. */
record Line(String operator, Map<String, Long> sizes) {
    /** @throws IllegalArgumentException if it is not words of that kind */
    static Line parse(String text) {
        String[] words = text.trim().split("\\s+");
        Map<String, Long> sizes = new LinkedHashMap<>();
        for (int i = 1; i < words.length; i++) {
            String[] pair = words[i].split("=", 2);
            if (pair.length != 2) {
                throw new IllegalArgumentException("'" + text + "': '" + words[i] + "' is not name=number");
            }
            sizes.put(pair[0], Long.parseLong(pair[1]));
        }
        return new Line(words[0], sizes);
    }

    long get(String name) {
        Long value = sizes.get(name);
        if (value == null) {
            throw new IllegalArgumentException("'" + this + "' lacks " + name);
        }
        return value;
    }

    long get(String name, long otherwise) {
        return sizes.getOrDefault(name, otherwise);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(operator);
        sizes.forEach((name, value) -> text.append(' ').append(name).append('=').append(value));
        return text.toString();
    }
}
