package jclip.data;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import jclip.image.PictureSource;

/** Sets one behind the other. */
final class Concatenation implements Dataset {
    private final List<Dataset> sets;
    /** The number of the first sample of each set, and behind them the size. */
    private final int[] starts;

    private Concatenation(List<Dataset> sets, int[] starts) {
        this.sets = sets;
        this.starts = starts;
    }

    static Dataset of(List<? extends Dataset> sets) {
        if (sets.isEmpty()) {
            throw new IllegalArgumentException("no sets, wanted at least one");
        }
        if (sets.size() == 1) {
            return sets.getFirst();
        }
        int[] starts = new int[sets.size() + 1];
        for (int i = 0; i < sets.size(); i++) {
            starts[i + 1] = Math.addExact(starts[i], sets.get(i).size());
        }
        return new Concatenation(List.copyOf(sets), starts);
    }

    private int set(int index) {
        Objects.checkIndex(index, size());
        int found = Arrays.binarySearch(starts, index);
        int set = found >= 0 ? found : -found - 2;
        // A set without samples starts where the next one does.
        while (starts[set + 1] == starts[set]) {
            set++;
        }
        return set;
    }

    @Override
    public int size() {
        return starts[starts.length - 1];
    }

    @Override
    public String key(int index) {
        int set = set(index);
        return sets.get(set).key(index - starts[set]);
    }

    @Override
    public PictureSource picture(int index) {
        int set = set(index);
        return sets.get(set).picture(index - starts[set]);
    }

    @Override
    public int captionCount(int index) {
        int set = set(index);
        return sets.get(set).captionCount(index - starts[set]);
    }

    @Override
    public String caption(int index, int which) {
        int set = set(index);
        return sets.get(set).caption(index - starts[set], which);
    }

    @Override
    public int label(int index) {
        int set = set(index);
        return sets.get(set).label(index - starts[set]);
    }

    @Override
    public Map<Defect, Long> drops() {
        Map<Defect, Long> all = new EnumMap<>(Defect.class);
        sets.forEach(set -> set.drops().forEach((defect, count) -> all.merge(defect, count, Long::sum)));
        return Collections.unmodifiableMap(all);
    }

    @Override
    public void close() {
        sets.forEach(Dataset::close);
    }
}
