package jclip.checkpoint;

/** How a checkpoint names its tensors and where it says what the model is. */
public enum Layout {
    /** OpenAI's names and no configuration: everything is inferred from the shapes. */
    OPENAI,
    /** OpenAI's names and {@code open_clip_config.json}. */
    OPENCLIP,
    /** Hugging Face's names, {@code config.json} and {@code preprocessor_config.json}. */
    HUGGINGFACE,
    /** No file: full-size weights made by a formula. */
    FORMULA
}
