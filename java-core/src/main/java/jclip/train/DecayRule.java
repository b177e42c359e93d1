package jclip.train;

import java.util.List;

/**
 * Which parameters get weight decay, as open_clip decides: those of at least two dimensions in whose name none of
 * {@code bn}, {@code ln}, {@code bias}, {@code logit_scale} occurs. So embeddings and projections decay; gains, biases,
 * the class embedding and the logit scale do not.
 */
public final class DecayRule {
    private static final List<String> SPARED = List.of("bn", "ln", "bias", "logit_scale");

    private DecayRule() {}

    /**
     * Whether a parameter decays.
     *
     * @param name open_clip's
     * @param dimensions of its shape
     */
    public static boolean decays(String name, int dimensions) {
        return dimensions >= 2 && SPARED.stream().noneMatch(name::contains);
    }
}
