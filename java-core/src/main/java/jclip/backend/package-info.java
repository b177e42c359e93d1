/** The ground floor: the native library, its memory and its calls. Knows no tensor and no model. */
@NullMarked
package jclip.backend;

import org.jspecify.annotations.NullMarked;
