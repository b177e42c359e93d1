package jclip.data;

import java.util.List;

/**
 * Sets that a batch is drawn from, with the share of each. Immutable.
 *
 * @param sets at least one
 * @param weights positive, one a set; only their ratios count
 */
public record Mixture(List<Dataset> sets, List<Double> weights) {
    /** Checks the numbers. */
    public Mixture {
        sets = List.copyOf(sets);
        weights = List.copyOf(weights);
        if (sets.isEmpty() || sets.size() != weights.size()) {
            throw new IllegalArgumentException(
                    sets.size() + " sets and " + weights.size() + " weights, wanted as many of both, at least one");
        }
        for (double weight : weights) {
            if (!(weight > 0) || Double.isInfinite(weight)) {
                throw new IllegalArgumentException("weight " + weight + ", wanted a positive number");
            }
        }
        for (Dataset set : sets) {
            if (set.size() == 0) {
                throw new DataException("a set of the mixture has no samples");
            }
        }
    }

    /** One set. */
    public static Mixture of(Dataset set) {
        return new Mixture(List.of(set), List.of(1.0));
    }

    /** Samples of all sets. */
    public long size() {
        return sets.stream().mapToLong(Dataset::size).sum();
    }
}
