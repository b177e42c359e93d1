package jclip.tools.world;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import jclip.data.Dataset;
import jclip.data.Philox;
import jclip.image.Picture;
import jclip.image.PictureSource;

/**
 * Pictures of coloured, textured shapes with captions, made by code: one, two or three things of a {@link Kind}, small
 * or large, somewhere on a background. A sample is a function of seed, set and number. Of an unseen sample the first
 * caption says all that its {@link Scene} holds; all others are put differently and leave things out.
 *
 * <p>Immutable, safe for many threads.
 */
public final class World implements Dataset {
    private static final int CAPTIONS = 4;
    private static final int TRAINING = 0;
    private static final int UNSEEN = 1;
    /** Prime to the number of settings: scenes of a kind come in an order without repetition. */
    private static final int STRIDE = 31;

    private final Philox philox;
    private final int set;
    private final List<Kind> kinds;
    private final int size;
    private final int side;

    private World(long seed, int set, List<Kind> kinds, int size, int side) {
        if (size < 1 || side < 1) {
            throw new IllegalArgumentException(
                    size + " pictures of " + side + " pixels a side; wanted at least 1 of each");
        }
        this.philox = new Philox(seed);
        this.set = set;
        this.kinds = kinds;
        this.size = size;
        this.side = side;
    }

    /**
     * Samples of the kinds that training sees, every kind and scene drawn alike.
     *
     * @param side of a picture in pixels
     */
    public static World training(long seed, int size, int side) {
        return new World(seed, TRAINING, Kind.seen(), size, side);
    }

    /**
     * Samples of the kinds that training never sees: of each the same number, all scenes different. Labels are places
     * in {@link #kinds}.
     *
     * @param perKind 1 to 72
     * @param side of a picture in pixels
     */
    public static World unseen(long seed, int perKind, int side) {
        if (perKind > Scene.SETTINGS) {
            throw new IllegalArgumentException(
                    perKind + " scenes of a kind; there are " + Scene.SETTINGS + " different ones");
        }
        return new World(seed, UNSEEN, Kind.unseen(), perKind * Kind.unseen().size(), side);
    }

    /** What the samples are of; labels count from here. */
    public List<Kind> kinds() {
        return kinds;
    }

    /** What a sample shows. */
    public Scene scene(int index) {
        Objects.checkIndex(index, size);
        if (set == TRAINING) {
            int[] draws = Draws.scene(philox, set, index);
            return Scene.of(kinds.get(Philox.below(draws[0], kinds.size())), Philox.below(draws[1], Scene.SETTINGS));
        }
        int label = index % kinds.size();
        int first = Philox.below(Draws.scene(philox, set, label)[0], Scene.SETTINGS);
        return Scene.of(kinds.get(label), (first + index / kinds.size() * STRIDE) % Scene.SETTINGS);
    }

    /** The picture of a sample at another size: side x side x 3 bytes. */
    public byte[] rgb(int index, int pixels) {
        return Painter.rgb(scene(index), pixels, Draws.picture(philox, set, index, Painter.DRAWS));
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public String key(int index) {
        return (set == TRAINING ? "training-" : "unseen-") + Objects.checkIndex(index, size);
    }

    @Override
    public PictureSource picture(int index) {
        return PictureSource.of(Picture.ofRgb(MemorySegment.ofArray(rgb(index, side)), side, side));
    }

    @Override
    public int captionCount(int index) {
        return CAPTIONS;
    }

    @Override
    public String caption(int index, int which) {
        Objects.checkIndex(which, CAPTIONS);
        Scene scene = scene(index);
        return which == 0 && set == UNSEEN
                ? Phrasing.full(scene)
                : Phrasing.of(scene, Draws.caption(philox, set, index, which));
    }

    @Override
    public int label(int index) {
        return kinds.indexOf(scene(index).kind());
    }
}
