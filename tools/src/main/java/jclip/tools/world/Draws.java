package jclip.tools.world;

import jclip.data.Philox;

/** Where each random number of the world comes from. Streams below 32 belong to data, initialisation and training. */
final class Draws {
    /** Random words of a caption, at most. */
    static final int PHRASING = 12;

    private static final int SCENE = 32;
    private static final int PICTURE = 33;
    private static final int CAPTION = 34;
    private static final int BLOCK = 4;

    private Draws() {}

    /** Four words for what a sample shows. */
    static int[] scene(Philox philox, int set, int sample) {
        return words(philox, SCENE, set, sample, 0, BLOCK);
    }

    /** Words for how a sample is drawn. */
    static int[] picture(Philox philox, int set, int sample, int count) {
        return words(philox, PICTURE, set, sample, 0, count);
    }

    /** Words for how a sample's caption is put. */
    static int[] caption(Philox philox, int set, int sample, int which) {
        return words(philox, CAPTION, set, sample, which * PHRASING, PHRASING);
    }

    /** A multiple of four words. */
    private static int[] words(Philox philox, int stream, int set, int sample, int first, int count) {
        int[] words = new int[count];
        int[] block = new int[BLOCK];
        for (int i = 0; i < count; i += BLOCK) {
            philox.block(stream, set, sample, (first + i) / BLOCK, block);
            System.arraycopy(block, 0, words, i, BLOCK);
        }
        return words;
    }
}
