package jclip.data;

import org.jspecify.annotations.Nullable;

/**
 * Where a sample of a shard stands and what is said about it.
 *
 * @param format of the picture: what stands behind the first dot of its name
 * @param offset of the picture in the archive
 * @param label the class, or -1
 * @param defect why it cannot be used, or null
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares samples
record Sample(
        String key,
        String format,
        long offset,
        int length,
        int label,
        String[] captions,
        @Nullable Defect defect) {}
