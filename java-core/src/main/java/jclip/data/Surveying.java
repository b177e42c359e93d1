package jclip.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import jclip.image.ImageException;
import jclip.image.Picture;
import jclip.image.PictureReader;
import jclip.image.PictureSource;
import jclip.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** A survey in the making. Used by one thread; pictures are decoded by several. */
final class Surveying {
    private static final int CONTEXT = 77;
    private static final int SHOWN = 20;
    /** Pictures decoded at once and looked at in their order. */
    private static final int CHUNK = 64;

    /** What a decoded picture showed; the exception instead where it is broken. */
    private record Look(
            String format,
            int bytes,
            int width,
            int height,
            long hash,
            @Nullable RuntimeException failure) {}

    private final Tokenizer tokenizer;
    private final int threads;
    private final IntConsumer progress;

    private final List<Survey.Part> parts = new ArrayList<>();
    private final List<Survey.Pair> pairs = new ArrayList<>();
    private final List<Survey.Broken> broken = new ArrayList<>();
    private final Map<String, Long> formats = new TreeMap<>();
    private final List<Integer> bytes = new ArrayList<>();
    private final List<Integer> widths = new ArrayList<>();
    private final List<Integer> heights = new ArrayList<>();
    private final List<Integer> words = new ArrayList<>();
    private final List<Integer> tokens = new ArrayList<>();
    private final List<Integer> captionsOfSample = new ArrayList<>();
    private final Set<String> distinct = new HashSet<>();
    private final Set<Integer> labels = new HashSet<>();
    private final NearDuplicates near = new NearDuplicates();
    private final List<String> hashed = new ArrayList<>();
    private int nearDuplicates;
    private int labelled;
    private int done;

    Surveying(Tokenizer tokenizer, int threads, IntConsumer progress) {
        this.tokenizer = tokenizer;
        this.threads = threads;
        this.progress = progress;
    }

    Survey of(List<String> names) {
        for (String name : names) {
            for (String one : name.split("::", -1)) {
                add(one);
            }
        }
        return new Survey(
                parts,
                bytes.size(),
                labelled,
                labels.size(),
                formats,
                Survey.Range.of(bytes),
                Survey.Range.of(widths),
                Survey.Range.of(heights),
                new Survey.Captions(
                        words.size(),
                        distinct.size(),
                        tokens.stream().filter(count -> count <= 2).count(),
                        Survey.Range.of(captionsOfSample),
                        Survey.Range.of(words),
                        Survey.Range.of(tokens),
                        tokens.stream().filter(count -> count > CONTEXT).count()),
                nearDuplicates,
                pairs,
                broken);
    }

    private void add(String name) {
        if (!OpenedSets.isOfShards(name)) {
            try (Dataset set = Dataset.open(name)) {
                Path path = Path.of(name);
                look(set, name, Files.isRegularFile(path) ? size(path) : 0, set.drops(), null);
            }
            return;
        }
        for (Path shard : Shards.resolve(name)) {
            try (ShardFile file = ShardFile.open(shard, ShardSet.MOST_UNPACKED)) {
                ShardIndex index = ShardIndex.of(file);
                index.samples().stream()
                        .filter(sample -> sample.defect() != null)
                        .forEach(sample -> note(shard + "/" + sample.key(), sample.defect(), ""));
                String damage = index.damage() == null && index.sound() == 0 ? "holds no sample" : index.damage();
                look(ShardSet.of(index), shard.toString(), size(shard), index.defects(), damage);
            }
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + e, e);
        }
    }

    private void note(String sample, @Nullable Defect defect, String detail) {
        if (defect != null && broken.size() < SHOWN) {
            broken.add(new Survey.Broken(sample, defect, detail));
        }
    }

    private void look(Dataset set, String name, long size, Map<Defect, Long> drops, @Nullable String damage) {
        Map<Defect, Long> defects = new EnumMap<>(Defect.class);
        defects.putAll(drops);
        int sound = 0;
        for (int from = 0; from < set.size(); from += CHUNK) {
            int start = from;
            Look[] looks = new Look[Math.min(CHUNK, set.size() - from)];
            Parallel.run(looks.length, threads, i -> looks[i] = look(set, start + i));
            for (int i = 0; i < looks.length; i++) {
                RuntimeException failure = looks[i].failure;
                if (failure != null) {
                    Defect defect = failure instanceof ImageException e ? BatchFiller.defect(e) : Defect.UNREADABLE;
                    defects.merge(defect, 1L, Long::sum);
                    note(set.key(start + i), defect, String.valueOf(failure.getMessage()));
                } else {
                    sound++;
                    count(set, start + i, looks[i]);
                }
            }
            done += looks.length;
            progress.accept(done);
        }
        String whole = damage == null && sound == 0 ? "holds no sample that can be used" : damage;
        parts.add(new Survey.Part(name, size, sound, defects, whole));
    }

    private static Look look(Dataset set, int index) {
        try {
            PictureSource source = set.picture(index);
            byte[] encoded =
                    switch (source) {
                        case PictureSource.Encoded some -> some.bytes();
                        case PictureSource.File file -> read(file.path());
                        case PictureSource.Decoded ignored -> new byte[0];
                    };
            Picture picture = source instanceof PictureSource.Decoded decoded
                    ? decoded.picture()
                    : PictureReader.standard().read(encoded, source.name());
            return new Look(
                    source instanceof PictureSource.Decoded
                            ? "decoded"
                            : PictureFormat.of(encoded).extension(),
                    encoded.length,
                    picture.width(),
                    picture.height(),
                    PerceptualHash.of(picture),
                    null);
        } catch (ImageException | DataException e) {
            return new Look("", 0, 0, 0, 0, e);
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + e, e);
        }
    }

    private void count(Dataset set, int index, Look look) {
        formats.merge(look.format, 1L, Long::sum);
        bytes.add(look.bytes);
        widths.add(look.width);
        heights.add(look.height);
        if (set.label(index) >= 0) {
            labelled++;
            labels.add(set.label(index));
        }
        // Prompts are made from labels; they say nothing about the set.
        int captions = set instanceof Prompted prompted ? prompted.captionsOfItsOwn(index) : set.captionCount(index);
        captionsOfSample.add(captions);
        for (int i = 0; i < captions; i++) {
            String caption = set.caption(index, i);
            distinct.add(caption);
            words.add(caption.strip().split("\\s+").length);
            tokens.add(tokenizer.encode(caption).length);
        }
        int earlier = near.add(look.hash);
        hashed.add(set.key(index));
        if (earlier >= 0) {
            nearDuplicates++;
            if (pairs.size() < SHOWN) {
                pairs.add(new Survey.Pair(
                        set.key(index), hashed.get(earlier), PerceptualHash.distance(look.hash, near.hash(earlier))));
            }
        }
    }
}
