package jclip.text;

/**
 * How the start and the end token are spelled. A text that contains the spelling of the tokenizer at hand gets the
 * token's id there, in any letter case once lower-cased; the other spelling is ordinary text.
 */
public enum SpecialTokens {
    /** {@code <start_of_text>} and {@code <end_of_text>}, as open_clip writes them. */
    OPEN_CLIP("<start_of_text>", "<end_of_text>"),
    /** {@code <|startoftext|>} and {@code <|endoftext|>}, as OpenAI and Hugging Face write them. */
    OPENAI("<|startoftext|>", "<|endoftext|>");

    private final String start;
    private final String end;

    SpecialTokens(String start, String end) {
        this.start = start;
        this.end = end;
    }

    /** The start token as it is written. */
    public String start() {
        return start;
    }

    /** The end token as it is written. */
    public String end() {
        return end;
    }
}
