package jclip.text;

/**
 * One text as a row of exactly the context length.
 *
 * @param ids    token ids: start token, text, end token, zeros; not copied
 * @param tokens how many tokens the whole text has, start and end token counted; more than {@code ids.length} if it was
 *     cut
 * @param kept   the part of the cleaned text that the ids stand for; the whole cleaned text unless it was cut
 */
public record TokenRow(int[] ids, int tokens, String kept) {
    /** Whether the text had more tokens than the row holds. */
    public boolean truncated() {
        return tokens > ids.length;
    }
}
