package jclip;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedMap;
import jclip.image.Picture;

/**
 * Zero-shot classification by prompts: every label is put into every template, the texts' embeddings are averaged per label and brought to
 * unit length again (the paper's ensembling in embedding space, section 3.1.4); a picture's probabilities are the softmax of its scaled
 * cosines. Immutable and safe for many threads; usable until its {@link Clip} is closed.
 */
public final class ZeroShotClassifier {
    /** The template that is the label itself. */
    public static final String BARE = "{}";

    private final Clip clip;
    private final List<String> labels;
    private final float[][] weights;

    private ZeroShotClassifier(Clip clip, List<String> labels, float[][] weights) {
        this.clip = clip;
        this.labels = labels;
        this.weights = weights;
    }

    /** A classifier whose prompts are the labels themselves. */
    public static ZeroShotClassifier of(Clip clip, List<String> labels) {
        return of(clip, labels, List.of(BARE));
    }

    /**
     * A classifier from labels and templates; <code>{}</code> in a template stands for the label.
     *
     * @throws IllegalArgumentException if labels or templates are empty, a label is repeated, or a template has no place for the label
     */
    public static ZeroShotClassifier of(Clip clip, List<String> labels, List<String> templates) {
        check(labels, templates);
        float[][] weights = new float[labels.size()][];
        for (int i = 0; i < weights.length; i++) {
            String label = labels.get(i);
            List<String> prompts =
                    templates.stream().map(t -> t.replace(BARE, label)).toList();
            weights[i] = mean(clip.encodeTexts(prompts));
        }
        return new ZeroShotClassifier(clip, List.copyOf(labels), weights);
    }

    private static void check(List<String> labels, List<String> templates) {
        if (labels.isEmpty() || templates.isEmpty()) {
            throw new IllegalArgumentException("a classifier needs at least one label and one template; found "
                    + labels.size() + " and " + templates.size());
        }
        LinkedHashSet<String> seen = new LinkedHashSet<>();
        for (String label : labels) {
            if (label.isBlank()) {
                throw new IllegalArgumentException("an empty label");
            }
            if (!seen.add(label)) {
                throw new IllegalArgumentException("the label '" + label + "' is repeated");
            }
        }
        for (String template : templates) {
            if (!template.contains(BARE)) {
                throw new IllegalArgumentException("the template '" + template + "' has no {} for the label");
            }
        }
    }

    /** Mean of unit vectors, of unit length again; in double precision. */
    private static float[] mean(float[][] rows) {
        double[] sum = new double[rows[0].length];
        for (float[] row : rows) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += row[i];
            }
        }
        double square = 0;
        for (double value : sum) {
            square += value * value;
        }
        float[] mean = new float[sum.length];
        double length = Math.max(Math.sqrt(square), 1e-12);
        for (int i = 0; i < mean.length; i++) {
            mean[i] = (float) (sum[i] / length);
        }
        return mean;
    }

    /** The labels, in the order of the probabilities. */
    public List<String> labels() {
        return labels;
    }

    /** Probabilities of the labels for each picture file: [pictures][labels]. */
    public double[][] probabilities(List<Path> images) {
        return probabilities(clip.encodeImages(images));
    }

    /** Probabilities of the labels for a picture. */
    public double[] probabilities(Picture picture) {
        return probabilities(new float[][] {clip.encodePicture(picture)})[0];
    }

    /** Probabilities of the labels for image embeddings: [embeddings][labels]. */
    public double[][] probabilities(float[][] imageEmbeds) {
        List<double[]> all = new ArrayList<>();
        for (float[] embedding : imageEmbeds) {
            double[] logits = new double[weights.length];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = clip.logitScale() * Clip.cosine(embedding, weights[i]);
            }
            all.add(softmax(logits));
        }
        return all.toArray(double[][]::new);
    }

    private static double[] softmax(double[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (double logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        double[] result = new double[logits.length];
        for (int i = 0; i < logits.length; i++) {
            result[i] = Math.exp(logits[i] - max);
            sum += result[i];
        }
        for (int i = 0; i < logits.length; i++) {
            result[i] /= sum;
        }
        return result;
    }

    /** Label and probability of one picture, in label order. */
    public SequencedMap<String, Double> classify(Picture picture) {
        double[] probabilities = probabilities(picture);
        SequencedMap<String, Double> result = new java.util.LinkedHashMap<>();
        for (int i = 0; i < probabilities.length; i++) {
            result.put(labels.get(i), probabilities[i]);
        }
        return result;
    }
}
