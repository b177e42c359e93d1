package jclip.image;

/**
 * A picture cannot be read or preprocessed. The message names the source, says what was found and what was wanted.
 */
public final class ImageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param source file name, or what the bytes were called by the caller
     * @param problem what is wrong, with sizes
     */
    public ImageException(String source, String problem) {
        super(source + ": " + problem);
    }

    ImageException(String source, String problem, Throwable cause) {
        super(source + ": " + problem, cause);
    }
}
