package jclip.tools.world;

/** Small things are smaller than every large one, however many there are. */
public enum Size {
    SMALL,
    LARGE
}
