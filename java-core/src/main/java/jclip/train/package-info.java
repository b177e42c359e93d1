/**
 * Training: the settings of a run, the rules by which the learning rate and the averages move, states on disk, and logs.
 *
 * <p>Stands on {@code jclip.model}, {@code jclip.checkpoint} and {@code jclip.data}.
 */
@NullMarked
package jclip.train;

import org.jspecify.annotations.NullMarked;
