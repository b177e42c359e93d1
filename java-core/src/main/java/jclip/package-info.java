/** The public face of jclip: load a checkpoint, embed pictures and texts, compare and classify. Start at {@link jclip.Clip}. */
@NullMarked
package jclip;

import org.jspecify.annotations.NullMarked;
