package jclip.data;

/** What random numbers are for: the first word of the counter, its upper bits the number of the set. */
final class Streams {
    static final int BITS = 4;
    static final int ORDER = 1;
    static final int SET = 2;
    static final int REPLACEMENT = 3;
    static final int CAPTION = 4;
    static final int CROP = 5;

    private Streams() {}
}
