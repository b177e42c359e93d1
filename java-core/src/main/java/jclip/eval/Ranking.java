package jclip.eval;

/** Places in the order of scores: higher first, equal ones by lower index. */
final class Ranking {
    private Ranking() {}

    /** How many scores come before the target's, from 0. */
    static int rank(double[] scores, int target) {
        double wanted = scores[target];
        int rank = 0;
        for (int i = 0; i < scores.length; i++) {
            if (scores[i] > wanted || (i < target && scores[i] == wanted)) {
                rank++;
            }
        }
        return rank;
    }

    /** The index that comes first. */
    static int best(double[] scores) {
        int best = 0;
        for (int i = 1; i < scores.length; i++) {
            if (scores[i] > scores[best]) {
                best = i;
            }
        }
        return best;
    }

    /** Refuses scores that have no order. */
    static void check(double[] scores, int wanted, String what) {
        if (scores.length != wanted) {
            throw new IllegalArgumentException(what + " has " + scores.length + " scores; wanted are " + wanted);
        }
        for (int i = 0; i < scores.length; i++) {
            if (Double.isNaN(scores[i])) {
                throw new IllegalArgumentException(what + ": score " + i + " is NaN");
            }
        }
    }
}
