package jclip.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import jclip.image.PictureSource;

/** Pictures in files of their own. */
final class FileSet implements Dataset {
    /**
     * A picture and what is said about it.
     *
     * @param label the class, or -1
     */
    record Entry(Path file, List<String> captions, int label) {}

    private final List<Entry> entries;
    private final Map<Defect, Long> drops;

    /** Takes what was found and what was left out. */
    FileSet(List<Entry> entries, Map<Defect, Long> drops) {
        this.entries = List.copyOf(entries);
        this.drops = Map.copyOf(drops);
    }

    @Override
    public int size() {
        return entries.size();
    }

    @Override
    public String key(int index) {
        return entries.get(index).file().toString();
    }

    @Override
    public PictureSource picture(int index) {
        return PictureSource.of(entries.get(index).file());
    }

    @Override
    public int captionCount(int index) {
        return entries.get(index).captions().size();
    }

    @Override
    public String caption(int index, int which) {
        return entries.get(index).captions().get(which);
    }

    @Override
    public int label(int index) {
        return entries.get(index).label();
    }

    @Override
    public Map<Defect, Long> drops() {
        return drops;
    }
}
