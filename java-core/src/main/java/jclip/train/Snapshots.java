package jclip.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import jclip.checkpoint.CheckpointException;
import org.jspecify.annotations.Nullable;

/**
 * The training states in a folder, one file {@code step-000001200.snapshot} each; the format is told at
 * {@link Snapshot}. A file appears whole and durable or not at all; the newest ones are kept, and the one with the best
 * score. A damaged file is reported as a warning and passed over.
 *
 * <p>Not for several threads, and one process at a time writes into a folder.
 */
public final class Snapshots {
    /** Which scores are better. */
    public enum Better {
        /** As of a loss. */
        LOWER,
        /** As of an accuracy. */
        HIGHER
    }

    private static final Logger LOG = System.getLogger(Snapshots.class.getName());
    private static final Pattern NAME = Pattern.compile("step-(\\d{9,18})\\.snapshot");
    private static final Pattern LEFTOVER = Pattern.compile("\\.step-\\d{9,18}\\.snapshot\\.tmp");

    private final Path folder;
    private final int keepLast;
    private final Better better;
    private final Disk disk;
    /** Found damaged; a newly saved state of the same step clears the name. */
    private final Set<Path> damaged = new HashSet<>();

    /**
     * Opens a folder, makes it if it is missing, and removes what killed writes left there.
     *
     * @param keepLast how many of the newest states to keep, at least 1; the best one is kept beside them
     * @throws CheckpointException if the folder cannot be made or read
     */
    public Snapshots(Path folder, int keepLast, Better better) {
        this(folder, keepLast, better, Disk.REAL);
    }

    Snapshots(Path folder, int keepLast, Better better, Disk disk) {
        if (keepLast < 1) {
            throw new IllegalArgumentException("snapshots to keep: " + keepLast + "; wanted at least 1");
        }
        this.folder = folder.toAbsolutePath();
        this.keepLast = keepLast;
        this.better = better;
        this.disk = disk;
        try {
            Files.createDirectories(this.folder);
            for (Path leftover : files(LEFTOVER)) {
                disk.delete(leftover);
            }
        } catch (IOException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.INPUT_OUTPUT,
                    folder + ": the folder for snapshots cannot be made or read: " + e,
                    e);
        }
    }

    /**
     * Saves a state, then lets go of those that are neither among the newest nor the best. Blocks are written from where
     * they lie; they must not change meanwhile.
     *
     * @param facts strings, integers, finite numbers, truth values, lists and maps of these
     * @param blocks by name; native memory or byte arrays of any size, also beyond 2 GB
     * @param score finite, or null if this state was not judged
     * @throws CheckpointException if it cannot be written; the states saved before stay good
     */
    public void save(
            long step, Map<String, ?> facts, SequencedMap<String, MemorySegment> blocks, @Nullable Double score) {
        if (step < 0 || (score != null && !Double.isFinite(score))) {
            throw new IllegalArgumentException(
                    "step " + step + ", score " + score + "; wanted >= 0 and finite or null");
        }
        Path target = folder.resolve(String.format(Locale.ROOT, "step-%09d.snapshot", step));
        ByteBuffer head = head(step, facts, blocks, score);
        long bytes = head.remaining();
        for (MemorySegment block : blocks.values()) {
            bytes = Math.addExact(bytes, block.byteSize());
        }
        Path temporary = folder.resolve("." + target.getFileName() + ".tmp");
        try {
            write(temporary, head, blocks.values());
            disk.rename(temporary, target);
            disk.sync(folder);
        } catch (IOException e) {
            throw failed(target, temporary, bytes, e);
        }
        damaged.remove(target);
        forget();
    }

    private void write(Path file, ByteBuffer head, Iterable<MemorySegment> blocks) throws IOException {
        try (Disk.Output out = disk.create(file)) {
            writeFully(out, head);
            for (MemorySegment block : blocks) {
                for (long at = 0; at < block.byteSize(); at += Snapshot.CHUNK) {
                    writeFully(out, Snapshot.part(block, at));
                }
            }
            out.force();
        }
    }

    private static void writeFully(Disk.Output out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private static ByteBuffer head(
            long step, Map<String, ?> facts, SequencedMap<String, MemorySegment> blocks, @Nullable Double score) {
        List<Map<String, Object>> entries = new ArrayList<>();
        blocks.forEach((name, block) -> {
            CRC32C sum = new CRC32C();
            for (long at = 0; at < block.byteSize(); at += Snapshot.CHUNK) {
                sum.update(Snapshot.part(block, at));
            }
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", name);
            entry.put("bytes", block.byteSize());
            entry.put("crc32c", sum.getValue());
            entries.add(entry);
        });
        requireFinite("facts", facts);
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("step", step);
        fields.put("score", score);
        fields.put("facts", facts);
        fields.put("blocks", entries);
        byte[] header = Json.compact(fields);
        return ByteBuffer.allocate(Snapshot.PREFIX + header.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(Snapshot.MAGIC)
                .putLong(header.length)
                .putInt(Snapshot.headerSum(header.length, header))
                .put(header)
                .flip();
    }

    /** A state that came back with a null where a number was would be another state. */
    private static void requireFinite(String where, @Nullable Object value) {
        switch (value) {
            case Map<?, ?> map -> map.forEach((key, item) -> requireFinite(where + "." + key, item));
            case List<?> list -> list.forEach(item -> requireFinite(where, item));
            case null -> throw new IllegalArgumentException(where + " is null");
            case Number number
            when !Double.isFinite(number.doubleValue()) ->
                throw new IllegalArgumentException(where + " is " + number + ", which JSON does not have");
            default -> {}
        }
    }

    private CheckpointException failed(Path target, Path temporary, long bytes, IOException e) {
        String free;
        try {
            free = ", " + Files.getFileStore(folder).getUsableSpace() + " are free";
        } catch (IOException unknown) {
            free = "";
            e.addSuppressed(unknown);
        }
        try {
            disk.delete(temporary);
        } catch (IOException stays) {
            e.addSuppressed(stays); // removed at the next start
        }
        return new CheckpointException(
                CheckpointException.Reason.INPUT_OUTPUT,
                target + ": the snapshot cannot be written (" + bytes + " bytes wanted" + free
                        + "); the ones saved before stay good: " + e,
                e);
    }

    /** Takes away what is neither among the newest nor the best; a failure here costs space only, so it warns. */
    private void forget() {
        List<Snapshot> sound = headers();
        Optional<Snapshot> best =
                sound.stream().filter(one -> one.score() != null).min(order());
        for (Snapshot old : sound.subList(Math.min(keepLast, sound.size()), sound.size())) {
            if (best.isPresent() && best.get() == old) {
                continue;
            }
            try {
                disk.delete(old.file());
            } catch (IOException e) {
                LOG.log(Level.WARNING, old.file() + ": an old snapshot cannot be removed: " + e);
            }
        }
    }

    /** The best first; of equals the one of fewer steps. */
    private Comparator<Snapshot> order() {
        Comparator<Snapshot> byScore = Comparator.comparingDouble(one -> score(one));
        return (better == Better.LOWER ? byScore : byScore.reversed()).thenComparingLong(Snapshot::step);
    }

    private static double score(Snapshot snapshot) {
        Double score = snapshot.score();
        return score == null ? Double.NaN : score;
    }

    /** Those with a sound header, the newest first; damaged ones count for nothing. */
    private List<Snapshot> headers() {
        List<Snapshot> sound = new ArrayList<>();
        for (Path file : files(NAME)) {
            if (!damaged.contains(file)) {
                accept(file, false).ifPresent(sound::add);
            }
        }
        return sound;
    }

    private Optional<Snapshot> accept(Path file, boolean whole) {
        try {
            Snapshot snapshot = Snapshot.open(file);
            if (snapshot.step() != step(file)) {
                throw new CheckpointException(
                        CheckpointException.Reason.CORRUPT_FILE,
                        file + ": damaged snapshot: inside it says step " + snapshot.step());
            }
            if (whole) {
                snapshot.verify();
            }
            return Optional.of(snapshot);
        } catch (CheckpointException e) {
            damaged.add(file);
            LOG.log(Level.WARNING, e.getMessage());
            return Optional.empty();
        }
    }

    /** The newest state that is whole; every byte of it has been checked. Damaged ones are warned about. */
    public Optional<Snapshot> newestGood() {
        for (Path file : files(NAME)) {
            Optional<Snapshot> snapshot = damaged.contains(file) ? Optional.empty() : accept(file, true);
            if (snapshot.isPresent()) {
                return snapshot;
            }
        }
        return Optional.empty();
    }

    /** The whole state with the best score, if one was judged; every byte of it has been checked. */
    public Optional<Snapshot> best() {
        return headers().stream()
                .filter(one -> one.score() != null)
                .sorted(order())
                .filter(one -> accept(one.file(), true).isPresent())
                .findFirst();
    }

    /** Files found damaged since the folder was opened and not saved anew. */
    public Set<Path> damaged() {
        return Set.copyOf(damaged);
    }

    /** The folder's files of a kind, the greatest step first. */
    private List<Path> files(Pattern kind) {
        try (Stream<Path> all = Files.list(folder)) {
            List<Path> files = new ArrayList<>(all.filter(
                            file -> kind.matcher(file.getFileName().toString()).matches())
                    .toList());
            if (kind == NAME) {
                files.sort(Comparator.comparingLong(Snapshots::step).reversed());
            }
            return files;
        } catch (IOException | UncheckedIOException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.INPUT_OUTPUT, folder + ": cannot be listed: " + e, e);
        }
    }

    private static long step(Path file) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        return name.matches() ? Long.parseLong(name.group(1)) : -1;
    }
}
