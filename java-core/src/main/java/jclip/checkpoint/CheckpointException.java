package jclip.checkpoint;

import java.io.Serial;

/**
 * A checkpoint cannot be read or written. The message names the file and, where there is one, the tensor or setting,
 * what was found, what was wanted and what to do.
 */
public final class CheckpointException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final Reason reason;

    /** The class of an error, for programs that react to it. */
    public enum Reason {
        /** A tensor that the architecture needs is absent. */
        MISSING_TENSOR,
        /** The file holds a tensor that belongs to no layer of the configured model. */
        UNEXPECTED_TENSOR,
        /** A tensor's shape differs from the one that the architecture needs. */
        WRONG_SHAPE,
        /** A tensor's element type cannot be used for weights. */
        WRONG_DTYPE,
        /** File, configuration and caller contradict each other about the activation function. */
        ACTIVATION_MISMATCH,
        /** The configuration names an activation function other than GELU and QuickGELU. */
        ACTIVATION_UNSUPPORTED,
        /** The file breaks the rules of its format, or was cut off. */
        CORRUPT_FILE,
        /** A pickle asks for something that tensors do not need: a global, an opcode, a call. */
        UNSAFE_PICKLE,
        /** A known format, or a feature of one, that this library does not read or write. */
        UNSUPPORTED_FORMAT,
        /** A configuration file is malformed, or asks for an architecture that this library does not have. */
        BAD_CONFIG,
        /** A file is missing, or a folder holds none or several that fit. */
        FILE_NOT_FOUND,
        /** A target exists already, or a value does not fit the type that it should be stored as. */
        CANNOT_WRITE,
        /** The operating system failed to read or write. */
        INPUT_OUTPUT
    }

    /**
     * @param reason the class of the error
     * @param message the whole message
     */
    public CheckpointException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /**
     * @param reason the class of the error
     * @param message the whole message
     * @param cause what was caught
     */
    public CheckpointException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** Returns the class of the error. */
    public Reason reason() {
        return reason;
    }

    static CheckpointException corrupt(Object file, String what) {
        return new CheckpointException(Reason.CORRUPT_FILE, file + ": " + what);
    }
}
