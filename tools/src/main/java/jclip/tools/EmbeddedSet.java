package jclip.tools;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import jclip.Clip;
import jclip.backend.Library;
import jclip.backend.NativeMemory;
import jclip.data.Batch;
import jclip.data.Batches;
import jclip.data.DataException;
import jclip.data.Dataset;
import jclip.eval.LinearProbe;

/**
 * The pictures of a set as a model sees them.
 *
 * @param images features by picture
 * @param samples number of each picture in the set: broken ones are left out
 * @param labels class of each picture, or -1
 * @param drops samples left out, by reason
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares sets
record EmbeddedSet(float[][] images, int[] samples, int[] labels, Map<String, Long> drops) {
    private static final int BATCH = 32;

    /** Unit-length embeddings. */
    static EmbeddedSet embeddings(Clip clip, Dataset set) {
        return of(clip, set, clip.embedDim(), (batch, out) -> clip.model()
                .encodeImages(batch.pixels(), batch.size(), out, true));
    }

    /** Features before the projection. */
    static EmbeddedSet pooled(Clip clip, Dataset set) {
        return of(clip, set, clip.model().pooledImageWidth(), (batch, out) -> clip.model()
                .encodePooledImages(batch.pixels(), batch.size(), out));
    }

    private interface Encoder {
        void encode(Batch batch, MemorySegment out);
    }

    private static EmbeddedSet of(Clip clip, Dataset set, int width, Encoder encoder) {
        List<float[]> images = new ArrayList<>();
        List<int[]> places = new ArrayList<>();
        Map<String, Long> drops = new TreeMap<>();
        set.drops().forEach((defect, count) -> drops.merge(defect.toString(), count, Long::sum));
        try (Batches batches = Batches.builder(set)
                        .preprocessor(clip.preprocessor())
                        .batchSize(BATCH)
                        .workers(Library.cpu().threads())
                        .evaluation();
                NativeMemory memory = NativeMemory.allocate((long) BATCH * width * Float.BYTES);
                Progress progress = Progress.onTerminal("pictures", set.size())) {
            for (int seen = 0; batches.hasNext(); ) {
                Batch batch = batches.next();
                if (batch.size() > 0) {
                    encoder.encode(batch, memory.segment());
                }
                for (int i = 0; i < batch.size(); i++) {
                    float[] row = new float[width];
                    MemorySegment.copy(
                            memory.segment(), ValueLayout.JAVA_FLOAT, (long) i * width * Float.BYTES, row, 0, width);
                    images.add(row);
                    places.add(new int[] {batch.sample(i), batch.label(i)});
                }
                seen += BATCH;
                progress.at(Math.min(seen, set.size()));
            }
            batches.drops().forEach((defect, count) -> drops.merge(defect.toString(), count, Long::sum));
        }
        if (images.isEmpty()) {
            throw new DataException("no picture of the set can be used: " + drops);
        }
        return new EmbeddedSet(
                images.toArray(float[][]::new),
                places.stream().mapToInt(place -> place[0]).toArray(),
                places.stream().mapToInt(place -> place[1]).toArray(),
                drops);
    }

    /** Samples without a label, or with one that has no class name, cannot be judged. */
    void requireLabels(Dataset set, int classes) {
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] < 0 || labels[i] >= classes) {
                throw new DataException("sample " + set.key(samples[i])
                        + (labels[i] < 0 ? " has no label" : " has label " + labels[i])
                        + "; wanted 0 to " + (classes - 1) + ", the lines of the classes");
            }
        }
    }

    LinearProbe.Samples toSamples() {
        return new LinearProbe.Samples(images, labels);
    }
}
