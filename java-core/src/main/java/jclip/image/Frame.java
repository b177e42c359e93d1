package jclip.image;

/**
 * Where one axis of a picture goes: it is resized from {@code in} to {@code resized} pixels, of which only {@code
 * count} from {@code from} on survive the crop; they stand at {@code at} of the target, and what is left of the target
 * is padding.
 */
record Frame(int in, int resized, int from, int count, int at, int target) {

    /**
     * Centre crop or padding; halves of an odd difference go to the even side when cutting, and right or below when
     * padding.
     */
    private static Frame centred(int in, int resized, int target) {
        if (resized < target) {
            return new Frame(in, resized, 0, resized, (target - resized) / 2, target);
        }
        int from = (int) Math.rint((resized - target) / 2.0);
        return new Frame(in, resized, from, target, 0, target);
    }

    /** The two axes, vertical first. source names the picture in errors. */
    static Frame[] of(int height, int width, int targetHeight, int targetWidth, ResizeMode mode, String source) {
        double high = targetHeight;
        double wide = targetWidth;
        switch (mode) {
            case SQUASH -> {}
            case SHORTEST -> {
                if (targetHeight == targetWidth) {
                    int shortSide = Math.min(height, width);
                    int longSide = Math.max(height, width);
                    double longTarget = longSide == shortSide
                            ? targetHeight
                            : Math.floor((double) targetHeight * longSide / shortSide);
                    high = height <= width ? targetHeight : longTarget;
                    wide = width <= height ? targetWidth : longTarget;
                } else {
                    double ratio = Math.min((double) height / targetHeight, (double) width / targetWidth);
                    high = Math.rint(height / ratio);
                    wide = Math.rint(width / ratio);
                }
            }
            case LONGEST -> {
                double ratio = Math.max((double) height / targetHeight, (double) width / targetWidth);
                high = Math.rint(height / ratio);
                wide = Math.rint(width / ratio);
            }
        }
        if (high < 1 || wide < 1) {
            throw new ImageException(
                    source,
                    "a side rounds to 0: " + width + "x" + height + " pixels, " + mode + " side to " + targetWidth + "x"
                            + targetHeight);
        }
        if (high > Integer.MAX_VALUE || wide > Integer.MAX_VALUE) {
            throw new ImageException(
                    source,
                    "resized dimensions too large: " + width + "x" + height + " pixels become " + (long) wide + "x"
                            + (long) high);
        }
        return new Frame[] {centred(height, (int) high, targetHeight), centred(width, (int) wide, targetWidth)};
    }

    boolean resizes() {
        return in != resized;
    }
}
