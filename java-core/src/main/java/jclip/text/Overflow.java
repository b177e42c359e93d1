package jclip.text;

/** What happens to a text with more tokens than the context holds. */
public enum Overflow {
    /** {@link IllegalArgumentException} that says how many tokens there are and where the text would be cut. */
    REJECT,
    /** The first tokens are kept and the last place holds the end token, as the reference does when asked to cut. */
    TRUNCATE
}
