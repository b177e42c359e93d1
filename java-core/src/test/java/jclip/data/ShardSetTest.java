package jclip.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import jclip.image.PictureSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Shards: names, grouping, random access, and archives that are not what they should be. */
class ShardSetTest {
    @TempDir
    private Path folder;

    private static byte[] encoded(Dataset set, int index) {
        return ((PictureSource.Encoded) set.picture(index)).bytes();
    }

    @Test
    void namesBecomeFiles() throws IOException {
        for (int i = 0; i < 3; i++) {
            new SmallShards().sample("s" + i, i).write(folder.resolve("part-00" + i + ".tar"));
        }
        new SmallShards().sample("z", 9).write(folder.resolve("packed.tar.gz"));
        Files.writeString(folder.resolve("meta.json"), "{}");
        assertThat(Shards.resolve(folder.toString()))
                .extracting(Shards::fileName)
                .containsExactly("packed.tar.gz", "part-000.tar", "part-001.tar", "part-002.tar");
        assertThat(Shards.resolve(folder + "/part-{000..001}.tar::" + folder.resolve("packed.tar.gz")))
                .extracting(Shards::fileName)
                .containsExactly("part-000.tar", "part-001.tar", "packed.tar.gz");
        assertThatThrownBy(() -> Shards.resolve(folder + "/part-{000..003}.tar"))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("part-003.tar");
        assertThatThrownBy(() -> Shards.resolve("x{0..999999999}.tar")).isInstanceOf(DataException.class);
        assertThatThrownBy(() -> Shards.resolve("x{3..1}.tar")).isInstanceOf(DataException.class);
        assertThatThrownBy(() -> Shards.resolve("")).isInstanceOf(DataException.class);
        try (Dataset all = Dataset.open(folder.toString())) {
            assertThat(all.size()).isEqualTo(4);
            assertThat(all.caption(1, 1)).isEqualTo("a thing 0");
        }
    }

    @Test
    void membersOfOneNameAreOneSample() throws IOException {
        String longName = "deep/" + "x".repeat(150);
        byte[] png = SmallShards.png(5, 6, 1);
        SmallShards shard = new SmallShards()
                .add("./a/b.c/k1.jpg", png)
                .add("./a/b.c/k1.txt", "first\r\n\n  second \n")
                .add("./a/b.c/k1.json", "{\"caption\":\"not used\",\"x\":{\"caption\":[1]}}")
                .add("._k1.jpg", new byte[3])
                .add("readme", "no dot")
                .add(longName + ".webp", png)
                .add(longName + ".json", "{\"url\":\"u\",\"caption\":\"from json\"}")
                .add("k3.cls", "12\n")
                .add("k3.PNG", png)
                .add("k3.seg.png", new byte[9]);
        for (String name : new String[] {"a.tar", "a.tar.gz"}) {
            try (Dataset set = Dataset.open(shard.write(folder.resolve(name)).toString())) {
                assertThat(set.size()).isEqualTo(3);
                assertThat(set.drops()).isEmpty();
                assertThat(set.key(0)).endsWith("a/b.c/k1");
                assertThat(set.captionCount(0)).isEqualTo(2);
                assertThat(set.caption(0, 0)).isEqualTo("first");
                assertThat(set.caption(0, 1)).isEqualTo("second");
                assertThat(set.caption(1, 0)).isEqualTo("from json");
                assertThat(set.captionCount(2)).isZero();
                assertThat(set.label(2)).isEqualTo(12);
                assertThat(set.label(0)).isEqualTo(-1);
                for (int i = 0; i < 3; i++) {
                    assertThat(encoded(set, i)).isEqualTo(png);
                }
            }
        }
    }

    @Test
    void brokenSamplesAreCountedByReason() throws IOException {
        byte[] png = SmallShards.png(5, 6, 1);
        Path file = new SmallShards()
                .add("good.png", png)
                .add("good.txt", "fine")
                .add("lonely.png", png)
                .add("blank.png", png)
                .add("blank.txt", " \n\t\n")
                .add("nopicture.txt", "words")
                .add("label.png", png)
                .add("label.cls", "minus one")
                .add("negative.png", png)
                .add("negative.cls", "-1")
                .add("latin.png", png)
                .add("latin.txt", "caf\u00e9".getBytes(StandardCharsets.ISO_8859_1))
                .add("json.png", png)
                .add("json.json", "{\"caption\": ")
                .add("twice.png", png)
                .add("twice.jpg", png)
                .add("twice.txt", "which")
                .add("long.png", png)
                .add("long.txt", "x".repeat((1 << 20) + 1))
                .write(folder.resolve("a.tar"));
        try (Dataset set = Dataset.open(file.toString())) {
            assertThat(set.size()).isEqualTo(1);
            assertThat(set.drops())
                    .containsEntry(Defect.NO_CAPTION, 2L)
                    .containsEntry(Defect.NO_PICTURE, 1L)
                    .containsEntry(Defect.BAD_LABEL, 2L)
                    .containsEntry(Defect.BAD_TEXT, 2L)
                    .containsEntry(Defect.AMBIGUOUS, 1L)
                    .containsEntry(Defect.TOO_LARGE, 1L)
                    .hasSize(6);
        }
    }

    @Test
    void aShardThatYieldsNothingIsAnError() throws IOException {
        Path good = new SmallShards().sample("a", 1).write(folder.resolve("good.tar"));
        Path[] bad = {
            Files.write(folder.resolve("empty.tar"), new byte[0]),
            Files.write(folder.resolve("zeros.tar"), new byte[10240]),
            Files.writeString(folder.resolve("words.tar"), "this is no archive ".repeat(100)),
            Files.write(folder.resolve("stub.tar.gz"), new byte[] {0x1F, (byte) 0x8B}),
            new SmallShards().add("a.bin", "x").write(folder.resolve("other.tar")),
        };
        for (Path file : bad) {
            assertThatThrownBy(() -> Dataset.open(good + "::" + file))
                    .as(file.toString())
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining(file.toString())
                    .hasMessageContaining("no sample");
        }
    }

    @Test
    void aTruncatedArchiveKeepsWhatIsWhole() throws IOException {
        SmallShards shard = new SmallShards();
        IntStream.range(0, 20).forEach(i -> shard.sample("s" + i, i));
        byte[] tar = shard.tar();
        Path plain = folder.resolve("cut.tar");
        int third = tar.length / 3;
        for (int length : new int[] {third, third / 512 * 512, third + 511, 700}) {
            Files.write(plain, Arrays.copyOf(tar, length));
            if (length == 700) {
                assertThatThrownBy(() -> Dataset.open(plain.toString())).isInstanceOf(DataException.class);
                continue;
            }
            try (Dataset set = Dataset.open(plain.toString())) {
                assertThat(set.size()).isBetween(1, 19);
                for (int i = 0; i < set.size(); i++) {
                    assertThat(set.caption(i, 0)).isEqualTo("picture " + i);
                    assertThat(encoded(set, i)).isEqualTo(SmallShards.png(20 + i % 7, 16, i));
                }
            }
        }
        byte[] packed = shard.gzip();
        Path file = Files.write(folder.resolve("cut.tar.gz"), Arrays.copyOf(packed, packed.length * 2 / 3));
        try (Dataset set = Dataset.open(file.toString())) {
            assertThat(set.size()).isBetween(1, 19);
            assertThat(set.drops()).containsKey(Defect.TRUNCATED);
        }
    }

    /** A name that claims to be a gigabyte long is not read, whatever the packing makes of it. */
    @Test
    void aHeaderWithoutEndIsRefused() throws IOException {
        byte[] tar = new SmallShards()
                .add("x".repeat(200) + ".txt", "a")
                .sample("b", 1)
                .tar();
        byte[] size = "77777777770".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(size, 0, tar, 124, size.length);
        Arrays.fill(tar, 148, 156, (byte) ' ');
        int sum = 0;
        for (int i = 0; i < 512; i++) {
            sum += tar[i] & 255;
        }
        System.arraycopy(String.format("%06o\0 ", sum).getBytes(StandardCharsets.US_ASCII), 0, tar, 148, 8);
        byte[] large = Arrays.copyOf(tar, 64 << 20);
        Path file = Files.write(folder.resolve("bomb.tar"), large);
        assertThatThrownBy(() -> Dataset.open(file.toString()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("damaged archive");
    }

    @Test
    void damageOfAnyKindEndsInAnAnswer() throws IOException {
        SmallShards shard = new SmallShards();
        IntStream.range(0, 6).forEach(i -> shard.sample("s" + i, i));
        byte[] tar = shard.tar();
        SplittableRandom random = new SplittableRandom(1);
        int refused = 0;
        Path file = folder.resolve("fuzz.tar");
        for (int round = 0; round < 400; round++) {
            byte[] bytes = Arrays.copyOf(tar, random.nextInt(10) == 0 ? random.nextInt(tar.length) : tar.length);
            for (int i = random.nextInt(6); i > 0 && bytes.length > 0; i--) {
                // Headers are where it hurts.
                int at = random.nextInt(bytes.length) / 1024 * 1024 + random.nextInt(512);
                bytes[Math.min(at, bytes.length - 1)] = (byte) random.nextInt(256);
            }
            Files.write(file, bytes);
            try (Dataset set = Dataset.open(file.toString())) {
                assertThat(set.size()).isPositive();
                for (int i = 0; i < set.size(); i++) {
                    set.picture(i);
                }
            } catch (DataException e) {
                refused++;
            }
        }
        assertThat(refused).isBetween(1, 399);
    }

    @Test
    void labelsBecomePrompts() throws IOException {
        byte[] png = SmallShards.png(5, 6, 1);
        Path shards = Files.createDirectory(folder.resolve("labelled"));
        new SmallShards()
                .add("a.png", png)
                .add("a.cls", "1")
                .add("b.png", png)
                .add("b.cls", "0")
                .write(shards.resolve("x.tar"));
        try (Dataset bare = Dataset.open(shards.toString())) {
            assertThat(bare.captionCount(0)).isZero();
            assertThatThrownBy(() -> bare.withPrompts(new Prompts(java.util.List.of("cat"), java.util.List.of("{}"))))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("label 1");
        }
        Files.writeString(shards.resolve("classes.txt"), "cat\nsmall dog\n");
        Files.writeString(shards.resolve("templates.txt"), "a photo of a {}.\n\na {}\n");
        try (Dataset set = Dataset.open(shards.toString())) {
            assertThat(set.captionCount(0)).isEqualTo(2);
            assertThat(set.caption(0, 0)).isEqualTo("a photo of a small dog.");
            assertThat(set.caption(1, 1)).isEqualTo("a cat");
            assertThat(set.label(0)).isEqualTo(1);
        }
    }
}
