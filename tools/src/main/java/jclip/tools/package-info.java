/** The command line. */
@NullMarked
package jclip.tools;

import org.jspecify.annotations.NullMarked;
