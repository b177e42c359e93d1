/** How fast the library is, as shares of what this machine can do. Depends on the library; nothing depends on it. */
@NullMarked
package jclip.bench;

import org.jspecify.annotations.NullMarked;
