/** A world of pictures and captions made by code, whose every caption is true by construction. */
@NullMarked
package jclip.tools.world;

import org.jspecify.annotations.NullMarked;
