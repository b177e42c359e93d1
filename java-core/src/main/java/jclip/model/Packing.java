package jclip.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jclip.checkpoint.Architecture;

/** How a batch of padded token rows becomes one packed sequence of tokens. Scratch of a slot: reused, so that a call allocates nothing. */
final class Packing {
    private final Plans plans;
    private final Architecture.Text text;
    private final int[] lengths;
    private final int[] pooled;
    private int first;
    private int count;
    private int total;

    Packing(Plans plans) {
        this.plans = plans;
        this.text = plans.architecture().text();
        this.lengths = new int[plans.largestBatch()];
        this.pooled = new int[plans.largestBatch()];
    }

    /** Measures rows [from, from + rows) of the padded ids and finds their program. */
    Slot.Bound measure(Slot slot, int[] tokens, int from, int rows) {
        measure(tokens, from, rows);
        return slot.text(plans.textBucket(rows), Plans.tokenBucket(total));
    }

    /** Measures the first rows. */
    void measureWhole(int[] tokens, int rows) {
        measure(tokens, 0, rows);
    }

    private void measure(int[] tokens, int from, int rows) {
        first = from;
        count = rows;
        total = 0;
        for (int row = 0; row < rows; row++) {
            pooled[row] = pooled(tokens, from + row);
            lengths[row] = plans.cutText() ? pooled[row] + 1 : text.contextLength();
            total += lengths[row];
        }
    }

    /** The highest id's first place, or the first end token's (0 if there is none, as in the reference). */
    private int pooled(int[] tokens, int row) {
        int start = row * text.contextLength();
        int best = 0;
        boolean found = false;
        for (int i = 0; i < text.contextLength(); i++) {
            int id = tokens[start + i];
            if (id < 0 || id >= text.vocabSize()) {
                throw new IllegalArgumentException("text " + row + ", position " + i + ": id " + id
                        + " is outside the vocabulary of " + text.vocabSize());
            }
            boolean better =
                    text.pool() == Architecture.Pool.EOS ? !found && id == text.eosId() : id > tokens[start + best];
            if (better) {
                best = i;
                found = true;
            }
        }
        return best;
    }

    /** Fills ids, positions, tables and counts of the measured rows. */
    void write(Slot.Bound bound, int[] tokens) {
        MemorySegment ids = bound.input(TextTransformer.IDS);
        MemorySegment positions = bound.input(TextTransformer.POSITIONS);
        MemorySegment table = bound.input(TextTransformer.TABLE);
        MemorySegment pooledTable = bound.input(TextTransformer.POOLED_TABLE);
        MemorySegment pooledRows = bound.input(TextTransformer.POOLED);
        int next = 0;
        for (int row = 0; row < count; row++) {
            int start = (first + row) * text.contextLength();
            for (int i = 0; i < lengths[row]; i++) {
                ids.setAtIndex(ValueLayout.JAVA_INT, next + i, tokens[start + i]);
                positions.setAtIndex(ValueLayout.JAVA_INT, next + i, i);
            }
            tableRow(table, row, next, lengths[row], next, lengths[row]);
            tableRow(pooledTable, row, row, 1, next, pooled[row] + 1);
            pooledRows.setAtIndex(ValueLayout.JAVA_INT, row, next + pooled[row]);
            next += lengths[row];
        }
        bound.input(TextTransformer.LIVE_TOKENS).set(ValueLayout.JAVA_LONG, 0, total);
        bound.input(TextTransformer.LIVE_SEQUENCES).set(ValueLayout.JAVA_LONG, 0, count);
    }

    private static void tableRow(MemorySegment table, int row, int qFirst, int qCount, int kvFirst, int kvCount) {
        long at = (long) row * TextTransformer.TABLE_COLUMNS;
        table.setAtIndex(ValueLayout.JAVA_INT, at, qFirst);
        table.setAtIndex(ValueLayout.JAVA_INT, at + 1, qCount);
        table.setAtIndex(ValueLayout.JAVA_INT, at + 2, kvFirst);
        table.setAtIndex(ValueLayout.JAVA_INT, at + 3, kvCount);
    }
}
