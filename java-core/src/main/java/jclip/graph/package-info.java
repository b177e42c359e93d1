/** Record, plan, replay: an encoder is recorded as a list of operators, planned into one arena, and replayed without allocating. */
@NullMarked
package jclip.graph;

import org.jspecify.annotations.NullMarked;
