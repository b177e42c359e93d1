package jclip.data;

import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystemException;
import java.util.Map;
import jclip.image.ImageException;
import jclip.image.Preprocessor;
import jclip.image.ResizeMode;
import jclip.image.Scratch;
import jclip.text.Overflow;
import jclip.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** What belongs at a place of a batch, and how it gets there. Immutable, safe for many threads. */
final class BatchFiller {
    /** Broken samples in a row for one place until the sets are given up. */
    private static final int MOST_ATTEMPTS = 1000;

    /**
     * What the consumer asked for.
     *
     * @param context tokens of a row; 0 without a tokenizer
     * @param crop null: the whole picture
     */
    record Settings(
            Preprocessor preprocessor,
            @Nullable Tokenizer tokenizer,
            int context,
            int batchSize,
            long seed,
            @Nullable RandomResizedCrop crop,
            boolean evaluation) {}

    private final Mixture mixture;
    private final Settings settings;
    private final SampleOrder order;
    private final Philox philox;
    private final Preprocessor preprocessor;

    BatchFiller(Mixture mixture, Settings settings) {
        this.mixture = mixture;
        this.settings = settings;
        order = new SampleOrder(mixture, settings.seed(), settings.batchSize());
        philox = new Philox(settings.seed());
        preprocessor = settings.crop() == null
                ? settings.preprocessor()
                : settings.preprocessor().withResizeMode(ResizeMode.SQUASH);
    }

    long pictureBytes() {
        return preprocessor.tensorBytes();
    }

    int context() {
        return settings.context();
    }

    long samples() {
        return mixture.size();
    }

    /** Fills a place; broken counts what was tried in vain. */
    void fill(Batch batch, int place, Scratch scratch, Map<Defect, Long> broken) {
        int[] words = new int[4];
        if (settings.evaluation()) {
            int sample = (int) (batch.step() * settings.batchSize() + place);
            if (!fill(batch, place, sample, scratch, words, broken)) {
                batch.leave(place);
            }
            return;
        }
        for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
            long chosen = attempt == 0
                    ? order.at(batch.step(), place, words)
                    : order.instead(batch.step(), place, attempt, words);
            if (fill(batch, place, chosen, scratch, words, broken)) {
                return;
            }
        }
        throw new DataException(
                MOST_ATTEMPTS + " samples in a row cannot be used: " + broken + "; look at the set with 'data check'");
    }

    private boolean fill(Batch batch, int place, long chosen, Scratch scratch, int[] words, Map<Defect, Long> broken) {
        int set = (int) (chosen >>> 32);
        int sample = (int) chosen;
        Defect defect = fill(batch, place, set, sample, scratch, words);
        if (defect != null) {
            broken.merge(defect, 1L, Long::sum);
            return false;
        }
        return true;
    }

    private @Nullable Defect fill(Batch batch, int place, int number, int sample, Scratch scratch, int[] words) {
        Dataset set = mixture.sets().get(number);
        int captions = set.captionCount(sample);
        Tokenizer tokenizer = settings.tokenizer();
        if (tokenizer != null && captions == 0 && !settings.evaluation()) {
            return Defect.NO_CAPTION;
        }
        RandomResizedCrop crop = settings.crop();
        long bytes = pictureBytes();
        try {
            preprocessor.toTensor(
                    set.picture(sample),
                    crop == null ? null : crop.at(philox, batch.step(), place),
                    batch.pixels().asSlice(place * bytes, bytes),
                    scratch);
        } catch (ImageException e) {
            return defect(e);
        } catch (DataException e) {
            return Defect.UNREADABLE;
        }
        int length = 0;
        if (tokenizer != null && captions > 0) {
            philox.block(Streams.CAPTION, (int) batch.step(), place, 0, words);
            int which = settings.evaluation() ? 0 : Philox.below(words[0], captions);
            long row = 4L * settings.context();
            MemorySegment ids = batch.tokens().asSlice(place * row, row);
            length = tokenizer.encodeInto(set.caption(sample, which), ids, Overflow.TRUNCATE);
        }
        batch.fill(place, number, sample, set.label(sample), length);
        return null;
    }

    /** A file that is not there is another matter than one that holds no picture. */
    static Defect defect(ImageException error) {
        return error.getCause() instanceof FileSystemException ? Defect.UNREADABLE : Defect.BAD_PICTURE;
    }
}
