/**
 * Sets of pictures with captions: WebDataset shards, tables, folders, generated worlds; shuffled, augmented and
 * prefetched in an order that depends on the seed and the step alone. Stands on text, image and backend.
 */
@NullMarked
package jclip.data;

import org.jspecify.annotations.NullMarked;
