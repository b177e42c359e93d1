package jclip.data;

import java.util.ArrayList;
import java.util.List;

/**
 * Which sample stands at each place of each batch: a function of seed, step and place alone. Of one set, every epoch
 * takes each sample once (but for those left over by whole batches, others each time), so that no batch holds a sample
 * twice. In a mixture each place draws its set, and the set's own shuffle runs on through all places: a sample comes
 * once or not at all in each turn of it. Immutable, safe for many threads.
 */
final class SampleOrder {
    private final Philox philox;
    private final double[] upTo;
    private final int[] sizes;
    private final int batch;
    private final List<Permutation> shuffles = new ArrayList<>();

    SampleOrder(Mixture mixture, long seed, int batch) {
        this.batch = batch;
        philox = new Philox(seed);
        int sets = mixture.sets().size();
        upTo = new double[sets];
        sizes = new int[sets];
        double sum = mixture.weights().stream().mapToDouble(Double::doubleValue).sum();
        double reached = 0;
        for (int i = 0; i < sets; i++) {
            reached += mixture.weights().get(i) / sum;
            upTo[i] = reached;
            sizes[i] = mixture.sets().get(i).size();
            shuffles.add(new Permutation(sizes[i], philox, Streams.ORDER | i << Streams.BITS));
        }
    }

    /** Places until a set has been gone through: whole batches where the set holds at least one. */
    private int usable(int set) {
        return sizes[set] >= batch ? sizes[set] - sizes[set] % batch : sizes[set];
    }

    /** Set in the upper, sample in the lower half. words: four places of the calling thread. */
    long at(long step, int place, int[] words) {
        int set = set(step, place, words);
        long position = step * batch + place;
        int turn = usable(set);
        int sample = shuffles.get(set).at((int) (position / turn), (int) (position % turn), words);
        return (long) set << 32 | sample;
    }

    /** Another sample of the same set, for the attempt-th time. */
    long instead(long step, int place, int attempt, int[] words) {
        int set = set(step, place, words);
        philox.block(Streams.REPLACEMENT, (int) step, place, attempt, words);
        return (long) set << 32 | Philox.below(words[0], sizes[set]);
    }

    private int set(long step, int place, int[] words) {
        if (upTo.length == 1) {
            return 0;
        }
        philox.block(Streams.SET, (int) step, place, 0, words);
        double value = Philox.unit(words[0]);
        int set = 0;
        while (set < upTo.length - 1 && value >= upTo[set]) {
            set++;
        }
        return set;
    }
}
