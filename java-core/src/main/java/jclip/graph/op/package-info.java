/** One record for each operator of {@code jclip.h}: what it reads, what it produces, and how its argument struct is written. */
@NullMarked
package jclip.graph.op;

import org.jspecify.annotations.NullMarked;
