package jclip.eval;

import java.util.Arrays;

/** Zero-shot classification from embeddings (the CLIP paper, sections 3.1.2 and 3.1.4), in double precision. */
public final class ZeroShot {
    private final double[][] classes;
    private final double[][] transposed;
    private final double scale;

    private ZeroShot(double[][] classes, double scale) {
        this.classes = classes;
        this.transposed = Vectors.transposed(classes);
        this.scale = scale;
    }

    /**
     * A class's embedding is the mean of its prompts' unit vectors, of unit length again.
     *
     * @param texts embeddings of the prompts, class by class; of any length
     * @param prompts of each class, at least 1
     * @param logScale the model's logit scale, as stored: cosines are multiplied by its exponential
     * @throws IllegalArgumentException if the counts do not add up to the texts or rows differ in length
     */
    public static ZeroShot of(float[][] texts, int[] prompts, double logScale) {
        int row = 0;
        double[][] units = Vectors.units(texts);
        double[][] classes = new double[prompts.length][];
        for (int i = 0; i < prompts.length; i++) {
            if (prompts[i] < 1 || prompts[i] > units.length - row) {
                throw new IllegalArgumentException("class " + i + " has " + prompts[i] + " prompts, but "
                        + (units.length - row) + " texts are left");
            }
            double[] mean = new double[units[row].length];
            for (int j = 0; j < prompts[i]; j++, row++) {
                for (int d = 0; d < mean.length; d++) {
                    mean[d] += units[row][d] / prompts[i];
                }
            }
            classes[i] = Vectors.unit(mean);
        }
        if (row != units.length) {
            throw new IllegalArgumentException(units.length + " texts, but the classes have " + row + " prompts");
        }
        return new ZeroShot(classes, Math.exp(logScale));
    }

    /** The classes' embeddings, of unit length. */
    public double[][] classEmbeddings() {
        return Arrays.stream(classes).map(double[]::clone).toArray(double[][]::new);
    }

    /** Scaled cosines of a picture's embedding, of any length, with the classes. */
    public double[] logits(float[] image) {
        if (image.length != transposed.length) {
            throw new IllegalArgumentException(
                    "an image embedding of " + image.length + " numbers; the texts' have " + transposed.length);
        }
        double[] logits = Vectors.products(Vectors.unit(image), transposed, classes.length);
        for (int i = 0; i < logits.length; i++) {
            logits[i] *= scale;
        }
        return logits;
    }

    /** The softmax of logits. */
    public static double[] probabilities(double[] logits) {
        double[] result = logits.clone();
        LogisticRegression.softmax(result);
        return result;
    }

    /** Classifies pictures. */
    public Classification classify(float[][] images, int[] labels) {
        if (images.length != labels.length) {
            throw new IllegalArgumentException(images.length + " pictures and " + labels.length + " labels");
        }
        return Classification.ofScores(i -> logits(images[i]), labels, classes.length);
    }
}
