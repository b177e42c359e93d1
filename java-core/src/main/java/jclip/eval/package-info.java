/**
 * The figures by which CLIP models are judged, and the linear probe. Figures are computed in double precision. Equal scores rank by lower
 * index first; what is undefined is null, never 0 or NaN. Immutable and safe for many threads unless said otherwise.
 */
@NullMarked
package jclip.eval;

import org.jspecify.annotations.NullMarked;
