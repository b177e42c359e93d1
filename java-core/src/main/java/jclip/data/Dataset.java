package jclip.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import jclip.image.PictureSource;
import org.jspecify.annotations.Nullable;

/**
 * Pictures with captions or labels, reached by their number. Implementations are safe for many threads, and give the
 * same sample for the same number every time: a generated world is a dataset as well as a folder of shards.
 */
public interface Dataset extends AutoCloseable {
    /** Samples. */
    int size();

    /** What messages call a sample. */
    String key(int index);

    /**
     * The picture, perhaps not decoded yet.
     *
     * @throws DataException if it cannot be read
     */
    PictureSource picture(int index);

    /** Captions of a sample; 0 where it has only a label. */
    int captionCount(int index);

    /** A caption of a sample, counted from 0. */
    String caption(int index, int which);

    /** The class of a sample, or -1. */
    default int label(int index) {
        return -1;
    }

    /** Samples that were found and left out when the set was opened, by reason; not counted in {@link #size}. */
    default Map<Defect, Long> drops() {
        return Map.of();
    }

    /** Gives files back; the set is not used any more. */
    @Override
    default void close() {}

    /**
     * Opens sets by name and puts them one behind the other. A name is a folder of {@code .tar} or {@code .tar.gz}
     * shards, one shard, a pattern with {@code {000..012}}, a {@code .csv} or {@code .tsv} table, a folder with a
     * folder of pictures for each class, or several of these with {@code ::} between. Labels without captions become
     * captions by the {@code classes.txt} (and {@code templates.txt}) in the folder of the shards, where there are.
     *
     * @throws DataException if there is none, or a shard holds no sound sample
     */
    static Dataset open(String... names) {
        return OpenedSets.open(List.of(names));
    }

    /**
     * Opens a table with a line of column names: {@code .csv} has commas between its fields, all others tabs. Rows of
     * one picture are one sample; paths are relative to the table's folder.
     *
     * @param pictureColumn with the paths, or null for the first of the usual names ({@code filepath}, {@code image}, ...)
     * @param captionColumn or null for the first of the usual names ({@code title}, {@code caption}, ...)
     * @throws DataException if it cannot be read, lacks a column or holds no row that can be used
     */
    static Dataset table(Path table, @Nullable String pictureColumn, @Nullable String captionColumn) {
        return Tables.open(table, pictureColumn, captionColumn);
    }

    /** Sets one behind the other; closing it closes them. */
    static Dataset concat(List<? extends Dataset> sets) {
        return Concatenation.of(sets);
    }

    /**
     * The same set, in which a sample without a caption but with a label gets a caption for each template.
     *
     * @throws DataException if a label has no class name
     */
    default Dataset withPrompts(Prompts prompts) {
        return new Prompted(this, prompts);
    }
}
