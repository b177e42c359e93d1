package jclip.image;

/** Chooses the part of a picture that is kept, once its size is known. */
@FunctionalInterface
public interface Crop {
    /** The part to keep of a picture of this size. */
    Box box(int width, int height);

    /**
     * A rectangle of whole pixels.
     *
     * @param left first column, counted from 0
     * @param top first row, counted from 0
     * @param width columns, at least 1
     * @param height rows, at least 1
     */
    record Box(int left, int top, int width, int height) {
        void checkWithin(Picture picture) {
            boolean within = left >= 0
                    && top >= 0
                    && width >= 1
                    && height >= 1
                    && (long) left + width <= picture.width()
                    && (long) top + height <= picture.height();
            if (!within) {
                throw new IllegalArgumentException(this + " leaves " + picture + " of " + picture.source());
            }
        }
    }
}
