package jclip.train;

import jclip.graph.Gradients;
import jclip.graph.op.ContrastiveLoss;
import jclip.graph.op.Precision;

/**
 * How a step computes.
 *
 * @param batch pairs of a step
 * @param chunk pairs whose activations are held at a time; less than the batch (which it divides): features of all pairs are computed
 *     first, then the loss over the whole batch, then each chunk once more with gradients (GradCache)
 * @param loss over all pairs of the batch
 * @param keep which activations wait for the backward pass
 * @param frozenStatistics batch normalisations use their running statistics and leave them
 * @param keptPatches patch dropout: patches kept of each picture; 0: all
 * @param cutText texts end behind their end token
 * @param summedScaleGradient open_clip's gradient accumulation, where each chunk's loss is that of the whole batch: the gradients of logit
 *     scale and bias are multiplied by the number of chunks
 * @param precision of the products; sums, statistics and parameters are fp32
 * @param optimiser AdamW
 */
public record StepSettings(
        int batch,
        int chunk,
        ContrastiveLoss.Kind loss,
        Gradients.Keep keep,
        boolean frozenStatistics,
        int keptPatches,
        boolean cutText,
        boolean summedScaleGradient,
        Precision precision,
        Optimiser.Settings optimiser) {
    public StepSettings {
        if (batch < 1 || chunk < 1 || batch % chunk != 0) {
            throw new IllegalArgumentException("a batch of " + batch + " in chunks of " + chunk
                    + ": both must be at least 1, and the chunk must divide the batch");
        }
    }

    int chunks() {
        return batch / chunk;
    }
}
