package jclip.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import jclip.image.PictureSource;

/** The sound samples of shards, indexed by one pass over each. */
final class ShardSet implements Dataset {
    /** Unpacked bytes of one shard. */
    static final long MOST_UNPACKED = 64L << 30;

    /** Shards that stay open at the same time; the files of a larger set are opened for each picture. */
    private static final int MOST_OPEN = 512;

    private final List<ShardFile> files;
    private final int[] fileOf;
    private final Sample[] samples;
    private final Map<Defect, Long> drops;

    private ShardSet(List<ShardFile> files, int[] fileOf, Sample[] samples, Map<Defect, Long> drops) {
        this.files = files;
        this.fileOf = fileOf;
        this.samples = samples;
        this.drops = drops;
    }

    static Dataset open(List<Path> shards) {
        List<ShardFile> files = new ArrayList<>();
        try {
            return open(shards, files);
        } catch (RuntimeException | Error e) {
            files.forEach(ShardFile::close);
            throw e;
        }
    }

    private static ShardSet open(List<Path> shards, List<ShardFile> files) {
        List<Sample> samples = new ArrayList<>();
        List<Integer> owners = new ArrayList<>();
        Map<Defect, Long> drops = new EnumMap<>(Defect.class);
        for (Path shard : shards) {
            ShardFile file = ShardFile.open(shard, MOST_UNPACKED);
            files.add(file);
            ShardIndex index = ShardIndex.of(file);
            if (index.sound() == 0) {
                throw new DataException(barren(index));
            }
            index.defects().forEach((defect, count) -> drops.merge(defect, count, Long::sum));
            for (Sample sample : index.samples()) {
                if (sample.defect() == null) {
                    samples.add(sample);
                    owners.add(files.size() - 1);
                }
            }
            if (shards.size() > MOST_OPEN) {
                file.rest();
            }
        }
        return new ShardSet(
                List.copyOf(files),
                owners.stream().mapToInt(Integer::intValue).toArray(),
                samples.toArray(Sample[]::new),
                Collections.unmodifiableMap(drops));
    }

    /** The sound samples of one shard, of which there may be none; it stays the caller's to close. */
    static ShardSet of(ShardIndex index) {
        Sample[] sound = index.samples().stream()
                .filter(sample -> sample.defect() == null)
                .toArray(Sample[]::new);
        return new ShardSet(List.of(index.file()), new int[sound.length], sound, index.defects());
    }

    /** What to say about a shard without a sound sample. */
    static String barren(ShardIndex index) {
        return index.file().path() + ": holds no sample that can be used: " + index.members() + " members, "
                + index.samples().size() + " samples, broken " + index.defects()
                + (index.damage() == null ? "" : "; " + index.damage())
                + "; wanted KEY.jpg with KEY.txt, KEY.json or KEY.cls side by side";
    }

    @Override
    public int size() {
        return samples.length;
    }

    @Override
    public String key(int index) {
        return files.get(fileOf[index]).path() + "/" + samples[index].key();
    }

    @Override
    public PictureSource picture(int index) {
        Sample sample = samples[index];
        ShardFile file = files.get(fileOf[index]);
        return PictureSource.of(file.read(sample.offset(), sample.length()), sample.key());
    }

    @Override
    public int captionCount(int index) {
        return samples[index].captions().length;
    }

    @Override
    public String caption(int index, int which) {
        return samples[index].captions()[which];
    }

    @Override
    public int label(int index) {
        return samples[index].label();
    }

    @Override
    public Map<Defect, Long> drops() {
        return drops;
    }

    @Override
    public void close() {
        files.forEach(ShardFile::close);
    }
}
