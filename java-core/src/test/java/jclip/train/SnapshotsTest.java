package jclip.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SequencedMap;
import java.util.stream.Stream;
import jclip.checkpoint.CheckpointException;
import jclip.train.Snapshots.Better;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training states on disk: they come back as they were, or not at all. */
class SnapshotsTest {
    private static final Map<String, Object> FACTS = Map.of(
            "seed", 7L, "loss", 0.1 + 0.2, "name", "\u00fc\"", "list", List.of(1L, 2.5, true), "map", Map.of("a", -1L));

    @TempDir
    private Path folder;

    private static SequencedMap<String, MemorySegment> blocks(long seed) {
        SequencedMap<String, MemorySegment> blocks = new LinkedHashMap<>();
        int[] sizes = {1, 0, 4096, 3 * Snapshot.CHUNK / 2 + 5};
        for (int i = 0; i < sizes.length; i++) {
            byte[] bytes = new byte[sizes[i]];
            new Random(seed * 31 + i).nextBytes(bytes);
            MemorySegment block =
                    Arena.ofAuto().allocate(Math.max(1, bytes.length)).asSlice(0, bytes.length);
            MemorySegment.copy(bytes, 0, block, ValueLayout.JAVA_BYTE, 0, bytes.length);
            blocks.put("block " + i, block);
        }
        return blocks;
    }

    private static SequencedMap<String, MemorySegment> small(long seed) {
        SequencedMap<String, MemorySegment> blocks = new LinkedHashMap<>();
        blocks.put("a", MemorySegment.ofArray(("seed " + seed + " of a small block").getBytes(StandardCharsets.UTF_8)));
        blocks.put("b", MemorySegment.ofArray(new byte[] {(byte) ~seed, 0}));
        return blocks;
    }

    private static void assertSame(Snapshot snapshot, SequencedMap<String, MemorySegment> wanted) {
        assertThat(snapshot.names()).containsExactlyElementsOf(wanted.keySet());
        SequencedMap<String, MemorySegment> found = new LinkedHashMap<>();
        for (String name : snapshot.names()) {
            found.put(
                    name,
                    Arena.ofAuto().allocate(Math.max(1, snapshot.bytes(name))).asSlice(0, snapshot.bytes(name)));
        }
        snapshot.read(found);
        wanted.forEach((name, block) ->
                assertThat(block.mismatch(found.get(name))).as(name).isEqualTo(-1));
    }

    private Snapshots snapshots(int keep) {
        return new Snapshots(folder, keep, Better.LOWER);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void whatIsSavedComesBack() throws IOException {
        assertThat(snapshots(1).newestGood()).isEmpty();
        assertThat(snapshots(1).best()).isEmpty();
        snapshots(1).save(1200, FACTS, blocks(1), 0.25);
        assertThat(names()).containsExactly("step-000001200.snapshot");
        Snapshot snapshot = snapshots(1).newestGood().orElseThrow();
        assertThat(snapshot.step()).isEqualTo(1200);
        assertThat(snapshot.score()).isEqualTo(0.25);
        assertThat(snapshot.facts()).isEqualTo(FACTS);
        assertSame(snapshot, blocks(1));
        assertThatThrownBy(() -> snapshot.bytes("nothing")).hasMessageContaining("nothing");
        assertThatThrownBy(() -> snapshot.read(Map.of("block 0", MemorySegment.ofArray(new byte[2]))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("block 0");
        assertThatThrownBy(() -> snapshots(1).save(1, Map.of("x", Double.NaN), small(1), null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("facts.x");
    }

    @Test
    void theNewestAndTheBestAreKept() throws IOException {
        Snapshots snapshots = snapshots(2);
        double[] scores = {3, 1, 2, 4, 1};
        for (int i = 0; i < scores.length; i++) {
            snapshots.save(i, FACTS, small(i), scores[i]);
        }
        snapshots.save(5, FACTS, small(5), null);
        assertThat(names())
                .containsExactly("step-000000001.snapshot", "step-000000004.snapshot", "step-000000005.snapshot");
        assertThat(snapshots.best().orElseThrow().step()).isEqualTo(1);
        Snapshots higher = new Snapshots(folder, 2, Better.HIGHER);
        higher.save(6, FACTS, small(6), 9.0);
        higher.save(7, FACTS, small(7), 8.0);
        higher.save(8, FACTS, small(8), 7.0);
        assertThat(names())
                .containsExactly("step-000000006.snapshot", "step-000000007.snapshot", "step-000000008.snapshot");
        assertThat(higher.best().orElseThrow().step()).isEqualTo(6);
    }

    @Test
    void leftoversAreRemovedAndStrangersAreNot() throws IOException {
        Files.writeString(folder.resolve(".step-000000007.snapshot.tmp"), "half");
        Files.writeString(folder.resolve("notes.txt"), "mine");
        snapshots(1).save(1, FACTS, small(1), null);
        snapshots(1).save(2, FACTS, small(2), null);
        assertThat(names()).containsExactly("notes.txt", "step-000000002.snapshot");
    }

    @Test
    void everyBitIsGuarded() throws IOException {
        Snapshots snapshots = snapshots(2);
        snapshots.save(1, FACTS, small(1), null);
        snapshots.save(2, FACTS, small(2), null);
        Path newest = folder.resolve("step-000000002.snapshot");
        byte[] sound = Files.readAllBytes(newest);
        for (int at = 0; at < sound.length; at++) {
            byte[] flipped = sound.clone();
            flipped[at] ^= (byte) (1 << at % 8);
            Files.write(newest, flipped);
            assertFallsBack(newest, "bit flipped at " + at);
        }
        for (int length = 0; length < sound.length; length++) {
            Files.write(newest, Arrays.copyOf(sound, length));
            assertFallsBack(newest, "cut to " + length);
        }
        Files.write(newest, Arrays.copyOf(sound, sound.length + 1));
        assertFallsBack(newest, "a byte more");
        Files.write(newest, sound);
        assertThat(snapshots(2).newestGood().orElseThrow().step()).isEqualTo(2);
        Files.move(newest, folder.resolve("step-000000003.snapshot"));
        assertFallsBack(folder.resolve("step-000000003.snapshot"), "named for another step");
    }

    private void assertFallsBack(Path newest, String why) {
        Snapshots again = snapshots(2);
        Snapshot snapshot = again.newestGood().orElseThrow();
        assertThat(snapshot.step()).as(why).isEqualTo(1);
        assertThat(again.damaged()).as(why).containsExactly(newest.toAbsolutePath());
        assertSame(snapshot, small(1));
    }

    @Test
    void damagedFilesDoNotPushOutGoodOnes() throws IOException {
        Snapshots snapshots = snapshots(2);
        for (int step = 1; step <= 2; step++) {
            snapshots.save(step, FACTS, small(step), (double) step);
        }
        try (RandomAccessFile file =
                new RandomAccessFile(folder.resolve("step-000000002.snapshot").toFile(), "rw")) {
            file.setLength(40);
        }
        Snapshots again = snapshots(1);
        assertThat(again.newestGood().orElseThrow().step()).isEqualTo(1);
        again.save(2, FACTS, small(3), 0.5);
        assertThat(again.damaged()).isEmpty();
        assertSame(again.newestGood().orElseThrow(), small(3));
        assertThat(names()).containsExactly("step-000000002.snapshot");
    }

    @Test
    void aChangeAfterOpeningIsNoticed() throws IOException {
        Snapshots snapshots = snapshots(1);
        snapshots.save(1, FACTS, small(1), null);
        Snapshot snapshot = snapshots.newestGood().orElseThrow();
        try (RandomAccessFile file = new RandomAccessFile(snapshot.file().toFile(), "rw")) {
            file.seek(file.length() - 1);
            file.write(1);
        }
        assertThatThrownBy(() -> assertSame(snapshot, small(1)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("'b'");
    }

    /** Fails when so many bytes have been written, or at a later operation. */
    private static final class FailingDisk implements Disk {
        private final List<String> operations = new ArrayList<>();
        private final long bytes;
        private final String failing;
        private long written;

        FailingDisk(long bytes, String failing) {
            this.bytes = bytes;
            this.failing = failing;
        }

        private void operation(String name) throws IOException {
            operations.add(name);
            if (name.equals(failing)) {
                throw new IOException("No space left on device");
            }
        }

        @Override
        public Output create(Path file) throws IOException {
            operation("create");
            Output real = Disk.super.create(file);
            return new Output() {
                @Override
                public int write(ByteBuffer part) throws IOException {
                    long left = bytes - written;
                    if (left <= 0) {
                        throw new IOException("No space left on device");
                    }
                    int count = (int) Math.min(left, Math.max(1, part.remaining() / 2)); // short writes, too
                    ByteBuffer head = part.slice(part.position(), count);
                    while (head.hasRemaining()) {
                        real.write(head);
                    }
                    part.position(part.position() + count);
                    written += count;
                    return count;
                }

                @Override
                public void force() throws IOException {
                    operation("force");
                    real.force();
                }

                @Override
                public void close() throws IOException {
                    real.close();
                    operation("close");
                }
            };
        }

        @Override
        public void rename(Path file, Path target) throws IOException {
            operation("rename");
            Disk.super.rename(file, target);
        }

        @Override
        public void sync(Path place) throws IOException {
            operation("sync");
            Disk.super.sync(place);
        }

        @Override
        public void delete(Path file) throws IOException {
            operation("delete");
            Disk.super.delete(file);
        }
    }

    @Test
    void aFullDiskLeavesThePreviousState() throws IOException {
        snapshots(1).save(1, FACTS, small(1), null);
        long size = Files.size(folder.resolve("step-000000001.snapshot"));
        for (long bytes = 0; bytes < size; bytes++) {
            assertFails(new FailingDisk(bytes, ""), size);
            assertThat(names()).as("after %s bytes", bytes).containsExactly("step-000000001.snapshot");
        }
        for (String operation : List.of("create", "force", "close", "rename")) {
            assertFails(new FailingDisk(size, operation), size);
            assertThat(names()).as(operation).containsExactly("step-000000001.snapshot");
        }
    }

    private void assertFails(FailingDisk disk, long size) {
        assertThatThrownBy(() -> new Snapshots(folder, 1, Better.LOWER, disk).save(2, FACTS, small(2), null))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(folder.resolve("step-000000002.snapshot").toString())
                .hasMessageContaining(size + " bytes wanted")
                .hasMessageContaining("No space left on device");
        assertSame(snapshots(1).newestGood().orElseThrow(), small(1));
    }

    @Test
    void aFailureBehindTheRenameLeavesBoth() throws IOException {
        snapshots(1).save(1, FACTS, small(1), null);
        FailingDisk disk = new FailingDisk(1 << 20, "sync");
        assertThatThrownBy(() -> new Snapshots(folder, 1, Better.LOWER, disk).save(2, FACTS, small(2), null))
                .isInstanceOf(CheckpointException.class);
        assertThat(names()).containsExactly("step-000000001.snapshot", "step-000000002.snapshot");
    }

    @Test
    void nothingOldGoesBeforeTheNewIsSafe() {
        snapshots(1).save(1, FACTS, small(1), null);
        FailingDisk disk = new FailingDisk(1 << 20, "");
        new Snapshots(folder, 1, Better.LOWER, disk).save(2, FACTS, small(2), null);
        assertThat(disk.operations).containsExactly("create", "force", "close", "rename", "sync", "delete");
    }

    @Test
    void aHeaderThatLiesIsRefused() throws IOException {
        Path file = folder.resolve("step-000000001.snapshot");
        for (String header : List.of(
                "{}",
                "[]",
                "{\"step\":1,\"score\":null,\"facts\":{},\"blocks\":[{\"name\":\"a\",\"bytes\":-1,\"crc32c\":0}]}",
                "{\"step\":1,\"score\":null,\"facts\":{},\"blocks\":[{\"name\":\"a\",\"bytes\":9223372036854775807,"
                        + "\"crc32c\":0}]}",
                "{\"step\":1,\"score\":null,\"facts\":{},\"blocks\":[{\"name\":\"a\",\"bytes\":1,\"crc32c\":0}]}",
                "{\"step\":1,\"score\":\"x\",\"facts\":{},\"blocks\":[]}",
                "{\"step\":1,\"score\":null,\"facts\":3,\"blocks\":[]}",
                "{\"step\":99999999999999999999999999,\"score\":null,\"facts\":{},\"blocks\":[]}")) {
            byte[] json = header.getBytes(StandardCharsets.UTF_8);
            ByteBuffer bytes = ByteBuffer.allocate(Snapshot.PREFIX + json.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(Snapshot.MAGIC)
                    .putLong(json.length)
                    .putInt(Snapshot.headerSum(json.length, json))
                    .put(json);
            Files.write(file, bytes.array());
            assertThat(snapshots(1).newestGood()).as(header).isEmpty();
        }
    }
}
