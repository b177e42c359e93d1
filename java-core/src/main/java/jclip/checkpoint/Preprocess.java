package jclip.checkpoint;

import java.util.List;

/**
 * How a picture becomes the tower's input, in open_clip's terms.
 *
 * @param size side of the square input in pixels
 * @param mean per channel (RGB), subtracted after division by 255
 * @param std per channel, divided by
 * @param interpolation {@code bicubic}, {@code bilinear} or {@code nearest}
 * @param resizeMode {@code shortest} (then centre crop), {@code squash} or {@code longest} (then pad)
 * @param fillColor value of padding, 0 to 255
 */
public record Preprocess(
        int size, List<Float> mean, List<Float> std, String interpolation, String resizeMode, int fillColor) {
    /** OpenAI's mean (0.48145466, 0.4578275, 0.40821073), rounded to fp32. */
    public static final List<Float> MEAN = List.of(0.48145467f, 0.4578275f, 0.40821072f);
    /** OpenAI's standard deviation (0.26862954, 0.26130258, 0.27577711), rounded to fp32. */
    public static final List<Float> STD = List.of(0.26862955f, 0.2613026f, 0.2757771f);

    private static final List<String> INTERPOLATIONS = List.of("bicubic", "bilinear", "nearest");
    private static final List<String> RESIZE_MODES = List.of("shortest", "squash", "longest");

    /** Checks ranges. */
    public Preprocess {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
        require(size > 0, "size " + size);
        require(mean.size() == 3 && std.size() == 3, "mean and std need three values: " + mean + ", " + std);
        require(mean.stream().allMatch(Float::isFinite), "mean " + mean);
        require(std.stream().allMatch(value -> Float.isFinite(value) && value > 0), "std " + std);
        require(
                INTERPOLATIONS.contains(interpolation),
                "interpolation '" + interpolation + "'; known: " + INTERPOLATIONS);
        require(RESIZE_MODES.contains(resizeMode), "resize_mode '" + resizeMode + "'; known: " + RESIZE_MODES);
        require(fillColor >= 0 && fillColor <= 255, "fill_color " + fillColor);
    }

    /** OpenAI's: bicubic, shortest side, centre crop. */
    public static Preprocess standard(int size) {
        return new Preprocess(size, MEAN, STD, "bicubic", "shortest", 0);
    }

    /** The same at another size. */
    public Preprocess withSize(int newSize) {
        return new Preprocess(newSize, mean, std, interpolation, resizeMode, fillColor);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
