/** CLIP's towers as graphs, their weights, and the model that runs them. */
@NullMarked
package jclip.model;

import org.jspecify.annotations.NullMarked;
