/** Training: storage of parameters and optimiser state, the step, the trainer. */
@NullMarked
package jclip.train;

import org.jspecify.annotations.NullMarked;
