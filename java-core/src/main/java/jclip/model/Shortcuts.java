package jclip.model;

/**
 * Work that the plain computation does and the result cannot depend on. Results agree to the bit with and without.
 *
 * @param cutText text rows are cut behind the end-of-text token and packed: attention is causal, so later tokens cannot matter
 * @param pooledToken the last block computes queries, attention, projection and MLP only for the token that is pooled
 */
public record Shortcuts(boolean cutText, boolean pooledToken) {
    /** Both: the default. */
    public static final Shortcuts ALL = new Shortcuts(true, true);

    /** The plain computation. */
    public static final Shortcuts NONE = new Shortcuts(false, false);
}
