package jclip.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thousands of damaged files: whatever was changed, opening and reading ends soon, allocates little, and throws nothing
 * but {@link CheckpointException}. Seeded; a failure names seed and round.
 */
class MutationTest {
    private static final int ROUNDS = Boolean.getBoolean("jclip.full") ? 20_000 : 1_000;
    private static final long ALLOWED_BYTES = 64L << 20;

    @TempDir
    Path folder;

    private byte[] safetensors = new byte[0];
    private byte[] stored = new byte[0];
    private byte[] deflated = new byte[0];

    @BeforeEach
    void makeFiles() throws java.io.IOException {
        Map<String, float[]> tensors = new LinkedHashMap<>();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        tensors.put("weight", new float[] {1, 2, 3, 4, 5, 6});
        shapes.put("weight", new long[] {2, 3});
        tensors.put("bias", new float[] {1});
        shapes.put("bias", new long[] {});
        stored = TestFiles.torch(tensors, shapes, true, false);
        deflated = TestFiles.torch(tensors, shapes, false, true);
        Path file = folder.resolve("made.safetensors");
        try (TorchArchive archive = TorchArchive.open(write(stored))) {
            LinkedHashMap<String, TensorView> views = new LinkedHashMap<>();
            archive.names().forEach(name -> views.put(name, archive.tensor(name)));
            Safetensors.write(file, views, Map.of("a", "b"));
        }
        safetensors = java.nio.file.Files.readAllBytes(file);
    }

    @Test
    void safetensors() {
        assertThat(mutate(safetensors, 1)).isBetween(ROUNDS / 100, ROUNDS - 1);
    }

    @Test
    void storedZip() {
        assertThat(mutate(stored, 2)).isBetween(ROUNDS / 100, ROUNDS - 1);
    }

    @Test
    void deflatedZip() {
        assertThat(mutate(deflated, 3)).isBetween(ROUNDS / 100, ROUNDS - 1);
    }

    /** Mutates the pickle before it is packed, so that its checksum is right. */
    @Test
    void pickle() {
        PickleSource source = new PickleSource();
        SplittableRandom random = new SplittableRandom(4);
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Map<String, byte[]> entries = new LinkedHashMap<>();
            entries.put("data.pkl", damage(source.pickle, random));
            entries.put("data/0", new byte[24]);
            refused += refused(TestFiles.zip(entries, false), "seed 4 round " + round) ? 1 : 0;
        }
        assertThat(refused).isBetween(ROUNDS / 100, ROUNDS - 1);
    }

    private static final class PickleSource {
        private final byte[] pickle = new TestFiles.PickleBytes()
                .op(0x80)
                .op(2)
                .op('}')
                .op('(')
                .text("weight")
                .tensor(0, 6, new long[] {2, 3})
                .text("again")
                .tensor(0, 6, new long[] {6})
                .op('u')
                .op('.')
                .bytes();
    }

    /** Configurations that say something else than the tensors, or nothing sensible at all. */
    @Test
    void configurations() throws java.io.IOException {
        int refused = 0;
        SplittableRandom random = new SplittableRandom(5);
        for (Layout layout : new Layout[] {Layout.OPENCLIP, Layout.HUGGINGFACE}) {
            Path checkpoint = folder.resolve(layout.name());
            try (Checkpoint source = Checkpoint.formula(TestFiles.VIT, "", "small")) {
                source.write(checkpoint, layout);
            }
            Path config = checkpoint.resolve(layout == Layout.OPENCLIP ? OpenClipConfig.FILE : HuggingFaceConfig.FILE);
            byte[] sound = java.nio.file.Files.readAllBytes(config);
            for (int round = 0; round < ROUNDS / 5; round++) {
                TestFiles.write(config, damage(sound, random));
                try (Checkpoint opened = Checkpoint.open(checkpoint)) {
                    opened.names().forEach(name -> TestFiles.values(opened, name));
                } catch (CheckpointException e) {
                    refused++;
                } catch (RuntimeException | Error e) {
                    throw new AssertionError("seed 5 " + layout + " round " + round + ": " + e, e);
                }
            }
        }
        assertThat(refused).isGreaterThan(ROUNDS / 10);
    }

    private int mutate(byte[] file, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            refused += refused(damage(file, random), "seed " + seed + " round " + round) ? 1 : 0;
        }
        return refused;
    }

    private static byte[] damage(byte[] file, SplittableRandom random) {
        byte[] damaged = file.clone();
        int changes = 1 + random.nextInt(3);
        for (int change = 0; change < changes; change++) {
            int at = random.nextInt(damaged.length);
            switch (random.nextInt(6)) {
                case 0 -> damaged[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> damaged[at] = (byte) random.nextInt(256);
                case 2 -> Arrays.fill(damaged, at, Math.min(damaged.length, at + 4), (byte) 0xff);
                case 3 -> Arrays.fill(damaged, at, Math.min(damaged.length, at + 8), (byte) 0);
                case 4 ->
                    System.arraycopy(damaged, at, damaged, random.nextInt(at + 1), Math.min(8, damaged.length - at));
                default -> {
                    if (random.nextInt(4) == 0 && at > 0) {
                        damaged = Arrays.copyOf(damaged, at);
                    } else {
                        damaged[at]++;
                    }
                }
            }
        }
        return damaged;
    }

    private boolean refused(byte[] bytes, String where) {
        Path path = write(bytes);
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        boolean refused = Assertions.assertTimeout(
                Duration.ofSeconds(10),
                () -> {
                    try (TensorFile file = CheckpointReader.container(path)) {
                        file.names().forEach(file::tensor);
                        return false;
                    } catch (CheckpointException e) {
                        return true;
                    } catch (RuntimeException | Error e) {
                        throw new AssertionError(where + ": " + e, e);
                    }
                },
                where);
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).as(where).isLessThan(ALLOWED_BYTES);
        return refused;
    }

    private Path write(byte[] bytes) {
        Path file = folder.resolve(bytes.length > 0 && bytes[0] == 'P' ? "file.bin" : "file.safetensors");
        TestFiles.write(file, bytes);
        return file;
    }
}
