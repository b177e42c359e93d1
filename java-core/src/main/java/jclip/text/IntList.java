package jclip.text;

import java.util.Arrays;

/** A growing row of ints. */
final class IntList {
    private int[] values;
    private int size;

    IntList(int capacity) {
        values = new int[capacity];
    }

    void add(int value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, Math.max(16, size + (size >> 1)));
        }
        values[size++] = value;
    }

    void addAll(int[] more) {
        int wanted = size + more.length;
        if (wanted > values.length) {
            values = Arrays.copyOf(values, Math.max(wanted, size + (size >> 1)));
        }
        System.arraycopy(more, 0, values, size, more.length);
        size = wanted;
    }

    void clear() {
        size = 0;
    }

    int get(int index) {
        return values[index];
    }

    int size() {
        return size;
    }

    int[] toArray() {
        return Arrays.copyOf(values, size);
    }

    void copyTo(int[] target, int offset, int count) {
        System.arraycopy(values, 0, target, offset, count);
    }
}
