package jclip.eval;

import java.util.Arrays;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Retrieval between pictures and their captions, any number a picture: who is where in whose list. Pictures without captions can be found
 * wrongly by a caption, but are not counted among those that look for theirs.
 */
public final class Retrieval {
    private final int[] imageBestRank;
    private final int[] textRank;
    private final int[] captionToImage;

    private Retrieval(
            int images, int[] captionToImage, IntFunction<double[]> scoresOfImage, IntFunction<double[]> scoresOfText) {
        this.captionToImage = captionToImage.clone();
        this.imageBestRank = new int[images];
        this.textRank = new int[captionToImage.length];
        for (int i = 0; i < images; i++) {
            double[] row = scoresOfImage.apply(i);
            Ranking.check(row, captionToImage.length, "picture " + i);
            int best = -1;
            for (int t = 0; t < captionToImage.length; t++) {
                if (captionToImage[t] == i && (best < 0 || row[t] > row[best])) {
                    best = t;
                }
            }
            imageBestRank[i] = best < 0 ? -1 : Ranking.rank(row, best);
        }
        for (int t = 0; t < textRank.length; t++) {
            double[] row = scoresOfText.apply(t);
            Ranking.check(row, images, "caption " + t);
            textRank[t] = Ranking.rank(row, captionToImage[t]);
        }
    }

    /**
     * By cosine.
     *
     * @param images embeddings of any length
     * @param texts embeddings of the captions
     * @param captionToImage each caption's picture
     * @throws IllegalArgumentException if sizes disagree or a picture is outside
     */
    public static Retrieval ofEmbeddings(float[][] images, float[][] texts, int[] captionToImage) {
        check(images.length, texts.length, captionToImage);
        double[][] imageUnits = Vectors.units(images);
        double[][] textUnits = Vectors.units(texts);
        if (images.length > 0 && texts.length > 0 && images[0].length != texts[0].length) {
            throw new IllegalArgumentException(
                    "embeddings of pictures have " + images[0].length + " numbers, of texts " + texts[0].length);
        }
        double[][] imagesAcross = Vectors.transposed(imageUnits);
        double[][] textsAcross = Vectors.transposed(textUnits);
        return new Retrieval(
                images.length,
                captionToImage,
                i -> Vectors.products(imageUnits[i], textsAcross, texts.length),
                t -> Vectors.products(textUnits[t], imagesAcross, images.length));
    }

    /**
     * By scores.
     *
     * @param scores [pictures][captions]
     * @param captionToImage each caption's picture
     */
    public static Retrieval ofScores(double[][] scores, int[] captionToImage) {
        check(scores.length, captionToImage.length, captionToImage);
        return new Retrieval(scores.length, captionToImage, i -> scores[i], t -> column(scores, t));
    }

    private static double[] column(double[][] scores, int index) {
        return Arrays.stream(scores).mapToDouble(row -> row[index]).toArray();
    }

    private static void check(int images, int texts, int[] captionToImage) {
        if (texts != captionToImage.length) {
            throw new IllegalArgumentException(texts + " captions, but pictures of " + captionToImage.length);
        }
        for (int t = 0; t < captionToImage.length; t++) {
            if (captionToImage[t] < 0 || captionToImage[t] >= images) {
                throw new IllegalArgumentException(
                        "caption " + t + " belongs to picture " + captionToImage[t] + " of " + images);
            }
        }
    }

    /** How many captions come before a picture's best own one, from 0; -1 for a picture without captions. */
    public int[] imageBestRank() {
        return imageBestRank.clone();
    }

    /** How many pictures come before a caption's own, from 0. */
    public int[] textRank() {
        return textRank.clone();
    }

    /** Pictures, of those with captions, that have one of theirs among the first k captions. */
    public Proportion imageToText(int k) {
        return new Proportion(
                Arrays.stream(imageBestRank).filter(r -> r >= 0 && r < k).count(),
                Arrays.stream(imageBestRank).filter(r -> r >= 0).count());
    }

    /** Captions whose picture is among the first k pictures. */
    public Proportion textToImage(int k) {
        return new Proportion(Arrays.stream(textRank).filter(r -> r < k).count(), textRank.length);
    }

    /** {@link #imageToText} of ranks by chance; null without captions. */
    public @Nullable Double imageToTextByChance(int k) {
        int[] captions = captionsOfImages();
        double sum = 0;
        int counted = 0;
        for (int own : captions) {
            if (own > 0) {
                double none = 1;
                for (int i = 0; i < k; i++) {
                    none *= Math.max(0, (double) (textRank.length - own - i) / Math.max(1, textRank.length - i));
                }
                sum += 1 - none;
                counted++;
            }
        }
        return counted == 0 ? null : sum / counted;
    }

    /** {@link #textToImage} of ranks by chance; null without pictures. */
    public @Nullable Double textToImageByChance(int k) {
        return imageBestRank.length == 0 ? null : Math.min(1, (double) k / imageBestRank.length);
    }

    private int[] captionsOfImages() {
        int[] captions = new int[imageBestRank.length];
        for (int image : captionToImage) {
            captions[image]++;
        }
        return captions;
    }

    /** An interval of 95 % for {@link #imageToText} by drawing pictures anew; null without captions. */
    public @Nullable Interval imageToText(int k, Bootstrap bootstrap) {
        int[] found = new int[imageBestRank.length];
        int[] counted = new int[imageBestRank.length];
        for (int i = 0; i < found.length; i++) {
            counted[i] = imageBestRank[i] >= 0 ? 1 : 0;
            found[i] = imageBestRank[i] >= 0 && imageBestRank[i] < k ? 1 : 0;
        }
        return overImages(found, counted, bootstrap);
    }

    /** An interval of 95 % for {@link #textToImage} by drawing pictures anew, each with its captions; null without captions. */
    public @Nullable Interval textToImage(int k, Bootstrap bootstrap) {
        int[] found = new int[imageBestRank.length];
        for (int t = 0; t < textRank.length; t++) {
            found[captionToImage[t]] += textRank[t] < k ? 1 : 0;
        }
        return overImages(found, captionsOfImages(), bootstrap);
    }

    /** Only pictures with captions are drawn. */
    private static @Nullable Interval overImages(int[] found, int[] counted, Bootstrap bootstrap) {
        int[] images = java.util.stream.IntStream.range(0, found.length)
                .filter(i -> counted[i] > 0)
                .toArray();
        return images.length == 0
                ? null
                : bootstrap.interval(images.length, drawn -> {
                    long successes = 0;
                    long trials = 0;
                    for (int i : drawn) {
                        successes += found[images[i]];
                        trials += counted[images[i]];
                    }
                    return (double) successes / trials;
                });
    }
}
