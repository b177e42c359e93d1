package jclip.train;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A line of the log: the last step of an interval, and the interval's pace.
 *
 * @param step optimiser steps made
 * @param steps of the whole run
 * @param loss of the last step, before its update
 * @param chance ln(batch): the loss of features that know nothing
 * @param logitScale the parameter; cosines are multiplied by its exponential
 * @param gradientNorm of all gradients together, before clipping
 * @param clipFactor by which they were multiplied
 * @param learningRate of the last step
 * @param pairsPerSecond over the interval
 * @param waiting share of the interval's time spent waiting for data
 * @param dropped broken samples of this sitting so far, by reason
 * @param secondsLeft until the last step, at this pace
 */
public record StepReport(
        long step,
        long steps,
        double loss,
        double chance,
        double logitScale,
        double gradientNorm,
        double clipFactor,
        double learningRate,
        double pairsPerSecond,
        double waiting,
        Map<String, Long> dropped,
        double secondsLeft) {
    /** As the JSONL log and {@code --json} show it, without the step. */
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>(scalars());
        fields.put("dropped", dropped);
        fields.put("seconds_left", secondsLeft);
        return fields;
    }

    /** The numbers by name. */
    public Map<String, Double> scalars() {
        Map<String, Double> scalars = new LinkedHashMap<>();
        scalars.put("loss", loss);
        scalars.put("ln_batch", chance);
        scalars.put("logit_scale", logitScale);
        scalars.put("gradient_norm", gradientNorm);
        scalars.put("clip_factor", clipFactor);
        scalars.put("learning_rate", learningRate);
        scalars.put("pairs_per_second", pairsPerSecond);
        scalars.put("waiting", waiting);
        return scalars;
    }
}
