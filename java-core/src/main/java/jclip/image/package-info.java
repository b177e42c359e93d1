/**
 * Pictures: from files to the pixel tensor of an image encoder, with the reference's bits.
 *
 * <p>A {@link jclip.image.Picture} holds pixels in the file's own mode, as Pillow opens it; a {@link
 * jclip.image.Preprocessor} resizes in that mode, converts to RGB last, crops and normalises. Nothing here knows what a
 * model is.
 */
@NullMarked
package jclip.image;

import org.jspecify.annotations.NullMarked;
