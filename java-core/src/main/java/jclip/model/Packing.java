package jclip.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jclip.checkpoint.Architecture;

/**
 * How a batch of padded token rows becomes one packed sequence of tokens, the inputs of the text tower's graph. Memory is taken once, so
 * that a call allocates nothing. Not thread-safe.
 */
public final class Packing {
    private final Architecture.Text text;
    private final boolean cut;
    private final int[] lengths;
    private final int[] pooled;
    private int first;
    private int count;
    private int total;

    /**
     * Room for batches.
     *
     * @param rows at most this many texts
     * @param cut texts end behind their end token; otherwise all have the context's length
     */
    public Packing(Architecture.Text text, int rows, boolean cut) {
        this.text = text;
        this.cut = cut;
        this.lengths = new int[rows];
        this.pooled = new int[rows];
    }

    /**
     * Measures rows [from, from + rows) of the padded ids.
     *
     * @return tokens of all of them together
     * @throws IllegalArgumentException if an id is outside the vocabulary
     */
    public int measure(int[] tokens, int from, int rows) {
        first = from;
        count = rows;
        total = 0;
        for (int row = 0; row < rows; row++) {
            pooled[row] = pooled(tokens, from + row);
            lengths[row] = cut ? pooled[row] + 1 : text.contextLength();
            total += lengths[row];
        }
        return total;
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

    /**
     * Fills ids, positions, tables and counts of the measured rows.
     *
     * @param inputs the text tower's inputs, in the graph's order
     */
    public void write(MemorySegment[] inputs, int[] tokens) {
        MemorySegment ids = inputs[TextTransformer.IDS];
        MemorySegment positions = inputs[TextTransformer.POSITIONS];
        MemorySegment table = inputs[TextTransformer.TABLE];
        MemorySegment pooledTable = inputs[TextTransformer.POOLED_TABLE];
        MemorySegment pooledRows = inputs[TextTransformer.POOLED];
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
        inputs[TextTransformer.LIVE_TOKENS].set(ValueLayout.JAVA_LONG, 0, total);
        inputs[TextTransformer.LIVE_SEQUENCES].set(ValueLayout.JAVA_LONG, 0, count);
    }

    private static void tableRow(MemorySegment table, int row, int qFirst, int qCount, int kvFirst, int kvCount) {
        long at = (long) row * TextTransformer.TABLE_COLUMNS;
        table.setAtIndex(ValueLayout.JAVA_INT, at, qFirst);
        table.setAtIndex(ValueLayout.JAVA_INT, at + 1, qCount);
        table.setAtIndex(ValueLayout.JAVA_INT, at + 2, kvFirst);
        table.setAtIndex(ValueLayout.JAVA_INT, at + 3, kvCount);
    }
}
