package jclip.text;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * A vocabulary cannot be used: the message says which file, which line or entry, what was found and what was wanted.
 */
public final class TokenizerException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /** An exception with this message. */
    public TokenizerException(String message) {
        super(message);
    }

    /** An exception with this message and the error that led to it. */
    public TokenizerException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
