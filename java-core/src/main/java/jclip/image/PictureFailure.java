package jclip.image;

/**
 * A picture of a batch that could not be preprocessed.
 *
 * @param index its place in the batch
 * @param error what was wrong with it
 */
public record PictureFailure(int index, ImageException error) {}
