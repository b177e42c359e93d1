package jclip.data;

import java.util.Map;
import jclip.image.PictureSource;

/** A set whose labels are turned into captions where it has none. */
final class Prompted implements Dataset {
    private final Dataset set;
    private final Prompts prompts;

    Prompted(Dataset set, Prompts prompts) {
        this.set = set;
        this.prompts = prompts;
        for (int i = 0; i < set.size(); i++) {
            if (set.captionCount(i) == 0 && set.label(i) >= prompts.classes().size()) {
                throw new DataException("sample " + set.key(i) + " has label " + set.label(i) + ", but there are only "
                        + prompts.classes().size() + " class names; name the classes of this set");
            }
        }
    }

    Dataset set() {
        return set;
    }

    Prompts prompts() {
        return prompts;
    }

    int captionsOfItsOwn(int index) {
        return set.captionCount(index);
    }

    @Override
    public int size() {
        return set.size();
    }

    @Override
    public String key(int index) {
        return set.key(index);
    }

    @Override
    public PictureSource picture(int index) {
        return set.picture(index);
    }

    @Override
    public int captionCount(int index) {
        int count = set.captionCount(index);
        return count == 0 && set.label(index) >= 0 ? prompts.templates().size() : count;
    }

    @Override
    public String caption(int index, int which) {
        return set.captionCount(index) == 0 ? prompts.of(set.label(index), which) : set.caption(index, which);
    }

    @Override
    public int label(int index) {
        return set.label(index);
    }

    @Override
    public Map<Defect, Long> drops() {
        return set.drops();
    }

    @Override
    public void close() {
        set.close();
    }
}
