package jclip.text;

import java.util.Arrays;
import java.util.function.IntConsumer;

/** A set of code points, kept as sorted inclusive ranges. */
final class CodePointSet {
    private final int[] first;
    private final int[] last;

    /** From ranges as {@code 41-5A 61 2018-201B}, sorted or not. */
    static CodePointSet parse(String ranges) {
        String[] parts = ranges.isBlank() ? new String[0] : ranges.trim().split(" ");
        long[] packed = new long[parts.length];
        for (int i = 0; i < parts.length; i++) {
            int dash = parts[i].indexOf('-');
            String from = dash < 0 ? parts[i] : parts[i].substring(0, dash);
            packed[i] = Long.parseLong(from, 16) << 32 | Long.parseLong(parts[i].substring(dash + 1), 16);
        }
        Arrays.sort(packed);
        return new CodePointSet(packed);
    }

    private CodePointSet(long[] packed) {
        first = new int[packed.length];
        last = new int[packed.length];
        for (int i = 0; i < packed.length; i++) {
            first[i] = (int) (packed[i] >>> 32);
            last[i] = (int) packed[i];
        }
    }

    boolean contains(int codePoint) {
        int at = Arrays.binarySearch(first, codePoint);
        return at >= 0 || (at < -1 && codePoint <= last[-at - 2]);
    }

    /** Gives every range to the action, its first and its last code point. */
    void forEachRange(RangeAction action) {
        for (int i = 0; i < first.length; i++) {
            action.accept(first[i], last[i]);
        }
    }

    /** Gives every code point to the action. */
    void forEach(IntConsumer action) {
        forEachRange((from, to) -> {
            for (int codePoint = from; codePoint <= to; codePoint++) {
                action.accept(codePoint);
            }
        });
    }

    /** What is done with a range. */
    @FunctionalInterface
    interface RangeAction {
        void accept(int first, int last);
    }
}
