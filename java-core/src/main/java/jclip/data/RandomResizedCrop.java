package jclip.data;

import jclip.image.Crop;

/**
 * Which part of a picture is shown in training: a part of its area and a shape drawn at random, tried ten times, else
 * the largest centred part whose shape is allowed. Defaults and arithmetic are those of open_clip 3.3.0 (torchvision's
 * {@code RandomResizedCrop.get_params}); the random numbers are our own. Immutable.
 *
 * @param minScale least part of the area, 0.9 in open_clip
 * @param maxScale largest part of the area, 1
 * @param minRatio least width / height, 3/4
 * @param maxRatio largest width / height, 4/3
 */
public record RandomResizedCrop(double minScale, double maxScale, double minRatio, double maxRatio) {
    private static final int TRIES = 10;

    /** Checks the ranges. */
    public RandomResizedCrop {
        if (!(minScale > 0 && minScale <= maxScale && maxScale <= 1)) {
            throw new IllegalArgumentException("scale " + minScale + " to " + maxScale + ", wanted within 0 to 1");
        }
        if (!(minRatio > 0 && minRatio <= maxRatio && maxRatio < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("ratio " + minRatio + " to " + maxRatio + ", wanted positive numbers");
        }
    }

    /** open_clip's: nine tenths of the area at least, 3:4 to 4:3. */
    public static RandomResizedCrop openClip() {
        return new RandomResizedCrop(0.9, 1, 3.0 / 4, 4.0 / 3);
    }

    /** The crop for one place of one batch: the same for a picture of the same size every time. */
    Crop at(Philox philox, long step, int place) {
        return (width, height) -> box(philox, (int) step, place, width, height);
    }

    private Crop.Box box(Philox philox, int step, int place, int width, int height) {
        int[] words = new int[4];
        double area = (double) width * height;
        double low = StrictMath.log(minRatio);
        double high = StrictMath.log(maxRatio);
        for (int i = 0; i < TRIES; i++) {
            philox.block(Streams.CROP, step, place, i, words);
            double target = area * (minScale + (maxScale - minScale) * Philox.unit(words[0]));
            double ratio = StrictMath.exp(low + (high - low) * Philox.unit(words[1]));
            int w = (int) Math.rint(Math.sqrt(target * ratio));
            int h = (int) Math.rint(Math.sqrt(target / ratio));
            if (w > 0 && w <= width && h > 0 && h <= height) {
                return new Crop.Box(
                        Philox.below(words[3], width - w + 1), Philox.below(words[2], height - h + 1), w, h);
            }
        }
        return centre(width, height);
    }

    private Crop.Box centre(int width, int height) {
        double ratio = (double) width / height;
        int w = width;
        int h = height;
        if (ratio < minRatio) {
            h = (int) Math.rint(width / minRatio);
        } else if (ratio > maxRatio) {
            w = (int) Math.rint(height * maxRatio);
        }
        w = Math.clamp(w, 1, width);
        h = Math.clamp(h, 1, height);
        return new Crop.Box((width - w) / 2, (height - h) / 2, w, h);
    }
}
