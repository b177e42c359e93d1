package jclip.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/**
 * What one pass over a shard finds: its samples in their order, sound or not. Neighbours that share the name up to the
 * first dot are one sample. Damage ends the pass; what came before it counts.
 */
final class ShardIndex {
    /** Bytes that the headers before one member may have: long names and attributes. */
    private static final long HEADERS = 1 << 20;

    private final ShardFile file;
    private final List<Sample> samples = new ArrayList<>();
    private final Map<Defect, Long> defects = new EnumMap<>(Defect.class);
    private @Nullable SampleBuilder open;
    private @Nullable String damage;
    private int members;

    private ShardIndex(ShardFile file) {
        this.file = file;
    }

    static ShardIndex of(ShardFile file) {
        ShardIndex index = new ShardIndex(file);
        index.scan();
        index.finish();
        return index;
    }

    private void scan() {
        ShardFile.Window window = file.stream();
        // The archive's stream is not closed: it holds nothing, and closing it would read to the end.
        @SuppressWarnings("resource")
        TarArchiveInputStream tar = new TarArchiveInputStream(window, 512, 512, "UTF-8");
        try {
            while (next(tar, window)) {
                continue;
            }
            if (file.cut()) {
                damage(Defect.TRUNCATED, "its packed bytes end early or are damaged");
            }
        } catch (IOException | IllegalArgumentException e) {
            damage(Defect.DAMAGED_ARCHIVE, String.valueOf(e.getMessage()));
        }
    }

    private boolean next(TarArchiveInputStream tar, ShardFile.Window window) throws IOException {
        window.allow(HEADERS);
        TarArchiveEntry entry = tar.getNextEntry();
        if (entry == null) {
            return false;
        }
        if (!entry.isCheckSumOK()) {
            throw new IOException("a header whose checksum is wrong");
        }
        members++;
        long at = window.at();
        if (!entry.isFile() || entry.isLink() || entry.isSymbolicLink() || entry.isSparse()) {
            return true;
        }
        String name = entry.getName().startsWith("./") ? entry.getName().substring(2) : entry.getName();
        int dot = name.indexOf('.', name.lastIndexOf('/') + 1);
        if (dot <= name.lastIndexOf('/') + 1) {
            return true;
        }
        return add(name.substring(0, dot), name.substring(dot + 1), at, entry.getSize());
    }

    private boolean add(String key, String extension, long at, long size) {
        SampleBuilder sample = open;
        if (sample == null || !sample.key().equals(key)) {
            finish();
            sample = new SampleBuilder(key, file);
            open = sample;
        }
        if (size < 0 || size > file.size() - at) {
            damage(Defect.TRUNCATED, "it ends within " + key + "." + extension);
            return false;
        }
        sample.add(extension, at, size);
        return true;
    }

    /** The sample at hand is the last one, and cannot be trusted; damage behind the last sample is one as well. */
    private void damage(Defect defect, String what) {
        damage = what;
        if (open == null) {
            open = new SampleBuilder("(end of archive)", file);
        }
        open.fail(defect);
    }

    private void finish() {
        SampleBuilder sample = open;
        open = null;
        if (sample == null) {
            return;
        }
        Sample built = sample.build();
        samples.add(built);
        if (built.defect() != null) {
            defects.merge(built.defect(), 1L, Long::sum);
        }
    }

    ShardFile file() {
        return file;
    }

    /** All samples in the order of the archive. */
    List<Sample> samples() {
        return samples;
    }

    /** How many samples cannot be used, by reason. */
    Map<Defect, Long> defects() {
        return Collections.unmodifiableMap(defects);
    }

    /** What is wrong with the archive itself, or null. */
    @Nullable
    String damage() {
        return damage;
    }

    /** Files, folders and links in the archive. */
    int members() {
        return members;
    }

    int sound() {
        long broken = defects.values().stream().mapToLong(Long::longValue).sum();
        return samples.size() - (int) broken;
    }
}
