package jclip.train;

import jclip.data.Philox;

/**
 * Which patches of a picture stay: a random subset of fixed size, in ascending order, a function of seed, step and place. Source: Li et al.,
 * Scaling Language-Image Pre-training via Masking (2022), as in open_clip, which keeps max(1, patches (1 - share)) of them.
 */
final class PatchDropout {
    /** Lower half-bytes 1 to 5 belong to the data. */
    private static final int STREAM = 32;

    private final Philox philox;
    private final int patches;
    private final int[] order;
    private final int[] words = new int[4];

    PatchDropout(long seed, int patches) {
        this.philox = new Philox(seed);
        this.patches = patches;
        this.order = new int[patches];
    }

    /** Patches that stay when this share is dropped. */
    static int kept(int patches, double share) {
        return Math.max(1, (int) (patches * (1 - share)));
    }

    /** Writes each picture's kept patches: the first places of a shuffle, sorted. */
    void choose(long step, int pictures, int kept, int[] to) {
        for (int picture = 0; picture < pictures; picture++) {
            for (int i = 0; i < patches; i++) {
                order[i] = i;
            }
            for (int i = 0; i < kept; i++) {
                philox.block(STREAM, (int) step, picture, i, words);
                int other = i + Philox.below(words[0], patches - i);
                int patch = order[other];
                order[other] = order[i];
                order[i] = patch;
            }
            System.arraycopy(order, 0, to, picture * kept, kept);
            java.util.Arrays.sort(to, picture * kept, (picture + 1) * kept);
        }
    }
}
