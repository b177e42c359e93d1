package jclip.data;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** A set of data cannot be used: the message says which file, what was found, what was wanted and what to do. */
public final class DataException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /** An exception with this message. */
    public DataException(String message) {
        super(message);
    }

    /** An exception with this message and the error that led to it. */
    public DataException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
