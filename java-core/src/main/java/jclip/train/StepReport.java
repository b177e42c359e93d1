package jclip.train;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * One log interval. Rates and shares are over the interval; the others are of its last step.
 *
 * @param step steps done, from 1
 * @param steps of the whole run
 * @param epoch from 0, with its part
 * @param batch pairs a step
 * @param loss before the update
 * @param logitScale after the update, the factor itself (about 14.3 at the start), not its logarithm
 * @param gradientNorm before clipping
 * @param learningRate of the step
 * @param pairsPerSecond of wall time
 * @param waiting share of the time spent waiting for data, 0 to 1
 * @param dropped samples left out since the start, by reason
 * @param secondsLeft as it goes now
 */
public record StepReport(
        long step,
        long steps,
        double epoch,
        int batch,
        double loss,
        double logitScale,
        double gradientNorm,
        double learningRate,
        double pairsPerSecond,
        double waiting,
        Map<String, Long> dropped,
        double secondsLeft) {
    /** Keeps the map as it is now. */
    public StepReport {
        dropped = Map.copyOf(dropped);
    }

    /** What a contrastive loss over this batch is without knowledge: ln(batch). */
    public double lnBatch() {
        return Math.log(batch);
    }

    /** All but the step, by the names of the log's fields. */
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("steps", steps);
        fields.put("epoch", epoch);
        fields.put("loss", loss);
        fields.put("ln_batch", lnBatch());
        fields.put("logit_scale", logitScale);
        fields.put("grad_norm", gradientNorm);
        fields.put("lr", learningRate);
        fields.put("pairs_per_second", pairsPerSecond);
        fields.put("waiting", waiting);
        fields.put("dropped", new TreeMap<>(dropped));
        fields.put("seconds_left", secondsLeft);
        return fields;
    }
}
