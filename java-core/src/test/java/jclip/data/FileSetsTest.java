package jclip.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import jclip.image.Picture;
import jclip.image.PictureSource;
import jclip.image.Preprocessor;
import jclip.text.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables, folders of classes, what is written as shards, and what a survey finds. */
class FileSetsTest {
    @TempDir
    private Path folder;

    private Path png(String name, int seed) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.write(file, SmallShards.png(12, 10, seed));
    }

    @Test
    void tablesGroupTheCaptionsOfAPicture() throws IOException {
        png("p/a.png", 1);
        png("p/b, c.png", 2);
        Path csv = Files.writeString(
                folder.resolve("t.csv"),
                "\uFEFFid,filepath,title\r\n1,p/a.png,first\r\n\r\n2,\"p/b, c.png\",\"say \"\"hi\"\",\nplease\"\r\n"
                        + "3,p/a.png,second\r\n4,p/a.png, \r\n5,,x\r\n6,too,many,fields\r\n7,p/gone.png,gone");
        try (Dataset set = Dataset.open(csv.toString())) {
            assertThat(set.size()).isEqualTo(3);
            assertThat(set.captionCount(0)).isEqualTo(2);
            assertThat(set.caption(0, 1)).isEqualTo("second");
            assertThat(set.caption(1, 0)).isEqualTo("say \"hi\",\nplease");
            assertThat(set.drops())
                    .containsEntry(Defect.NO_CAPTION, 1L)
                    .containsEntry(Defect.NO_PICTURE, 1L)
                    .containsEntry(Defect.BAD_TEXT, 1L);
            try (Batches batches = Batches.builder(set)
                    .preprocessor(Preprocessor.builder().size(8, 8).build())
                    .tokenizer(Tokenizer.standard(), 8)
                    .batchSize(3)
                    .training()) {
                assertThat(batches.next().size()).isEqualTo(3);
                assertThat(batches.drops()).containsOnlyKeys(Defect.UNREADABLE);
            }
        }
        Path tsv = Files.writeString(folder.resolve("t.tsv"), "where\twhat\np/a.png\tx, y\n");
        assertThatThrownBy(() -> Dataset.open(tsv.toString()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("[where, what]");
        assertThat(Dataset.table(tsv, "where", "what").caption(0, 0)).isEqualTo("x, y");
    }

    @Test
    void tablesThatAreNone() throws IOException {
        for (String text : new String[] {"", "\n\n", "filepath,title\n", "filepath,title\n\"a,b\n", "a,b\n1,2\n"}) {
            Path csv = Files.writeString(folder.resolve("bad.csv"), text);
            assertThatThrownBy(() -> Dataset.open(csv.toString()))
                    .as(text)
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("bad.csv");
        }
        Path latin =
                Files.write(folder.resolve("l.csv"), "filepath,title\na,\u00e9".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> Dataset.open(latin.toString())).hasMessageContaining("UTF-8");
        Path endless = Files.writeString(folder.resolve("e.csv"), "filepath,title\na,\"" + "x\n".repeat(1 << 20));
        assertThatThrownBy(() -> Dataset.open(endless.toString())).hasMessageContaining("quote");
    }

    @Test
    void aFolderForEachClass() throws IOException {
        png("set/tabby_cat/1.png", 1);
        png("set/tabby_cat/deep/2.PNG", 2);
        png("set/dog/3.png", 3);
        Files.writeString(folder.resolve("set/dog/notes.txt"), "no picture");
        String root = folder.resolve("set").toString();
        try (Dataset set = Dataset.open(root)) {
            assertThat(set.size()).isEqualTo(3);
            assertThat(List.of(set.label(0), set.label(1), set.label(2))).containsExactly(0, 1, 1);
            assertThat(set.caption(1, 0)).isEqualTo("tabby cat");
        }
        Files.writeString(folder.resolve("set/templates.txt"), "a {}\nthe {}\n");
        Files.writeString(folder.resolve("set/classes.txt"), "hound\ncat\n");
        try (Dataset set = Dataset.open(root)) {
            assertThat(set.captionCount(0)).isEqualTo(2);
            assertThat(set.caption(0, 1)).isEqualTo("the hound");
        }
        Files.createDirectory(folder.resolve("set/empty"));
        assertThatThrownBy(() -> Dataset.open(root)).isInstanceOf(DataException.class);
    }

    @Test
    void packedShardsHoldTheSet() throws IOException {
        SmallShards shard = new SmallShards();
        for (int i = 0; i < 7; i++) {
            shard.sample("k" + i, i);
        }
        shard.add("bad.png", new byte[] {1, 2}).add("bad.txt", "x");
        Path in = shard.write(folder.resolve("in.tar"));
        try (Dataset set = Dataset.open(in.toString())) {
            PackedShards one = PackedShards.write(set, folder.resolve("one/../set"), 3, 1 << 20, done -> {});
            assertThat(one.shards()).isEqualTo(3);
            assertThat(one.samples()).isEqualTo(7);
            assertThat(one.drops()).containsOnlyKeys(Defect.BAD_PICTURE);
            assertThatThrownBy(() -> PackedShards.write(set, folder.resolve("set"), 3, 1, done -> {}))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("not empty");
            Files.createDirectory(folder.resolve("again"));
            PackedShards bytes = PackedShards.write(set, folder.resolve("again/set"), 3, 1 << 20, done -> {});
            assertThat(bytes.bytes()).isEqualTo(one.bytes());
            for (Path file : Shards.resolve(folder.resolve("set").toString())) {
                assertThat(folder.resolve("again/set").resolve(Shards.fileName(file)))
                        .hasSameBinaryContentAs(file);
            }
            assertThat(PackedShards.write(set, folder.resolve("small"), 100, 1, done -> {})
                            .shards())
                    .isEqualTo(7);
            try (Dataset back = Dataset.open(folder.resolve("set").toString())) {
                assertThat(back.size()).isEqualTo(7);
                for (int i = 0; i < 7; i++) {
                    assertThat(((PictureSource.Encoded) back.picture(i)).bytes())
                            .isEqualTo(((PictureSource.Encoded) set.picture(i)).bytes());
                    assertThat(back.captionCount(i)).isEqualTo(2);
                    assertThat(back.caption(i, 1)).isEqualTo(set.caption(i, 1));
                }
            }
        }
        try (var left = Files.list(folder)) {
            assertThat(left.filter(file -> Shards.fileName(file).startsWith(".")))
                    .isEmpty();
        }
    }

    @Test
    void aSurveyCountsWhatThereIs() throws IOException {
        SmallShards shard = new SmallShards();
        for (int i = 0; i < 5; i++) {
            shard.sample("k" + i, i);
        }
        shard.add("same.png", SmallShards.png(21, 16, 1)).add("same.txt", "picture 1");
        shard.add("bad.jpg", new byte[] {(byte) 0xFF, (byte) 0xD8})
                .add("bad.txt", "x")
                .add("none.txt", "y");
        Path in = shard.write(folder.resolve("in.tar"));
        Survey survey = Survey.of(List.of(in.toString()), Tokenizer.standard(), 2, done -> {});
        assertThat(survey.isUsable()).isTrue();
        assertThat(survey.samples()).isEqualTo(6);
        assertThat(survey.broken()).containsEntry(Defect.BAD_PICTURE, 1L).containsEntry(Defect.NO_PICTURE, 1L);
        assertThat(survey.formats()).containsOnly(java.util.Map.entry("png", 6L));
        assertThat(survey.widths()).isEqualTo(new Survey.Range(20, (20 + 21 + 22 + 23 + 24 + 21) / 6.0, 24));
        assertThat(survey.captions().count()).isEqualTo(11);
        assertThat(survey.captions().distinct()).isEqualTo(10);
        assertThat(survey.firstNearDuplicates())
                .anyMatch(pair ->
                        pair.picture().endsWith("same") && pair.earlier().endsWith("k1") && pair.distance() == 0);
        Path barren = new SmallShards().add("a.txt", "x").write(folder.resolve("barren.tar"));
        Survey both = Survey.of(List.of(in + "::" + barren), Tokenizer.standard(), 1, done -> {});
        assertThat(both.isUsable()).isFalse();
        assertThat(both.parts()).hasSize(2);
        assertThat(both.parts().get(1).damage()).isNotNull();
    }

    /** Against the plain comparison of all with all. */
    @Test
    void nearHashesAreFoundInTheirBands() {
        SplittableRandom random = new SplittableRandom(5);
        List<Long> hashes = new ArrayList<>();
        NearDuplicates near = new NearDuplicates();
        int found = 0;
        for (int i = 0; i < 2000; i++) {
            long hash = random.nextLong();
            if (i % 4 == 3) {
                hash = hashes.get(random.nextInt(i));
                for (int flips = random.nextInt(6); flips > 0; flips--) {
                    hash ^= 1L << random.nextInt(64);
                }
            }
            long wanted = hash;
            boolean any = hashes.stream().anyMatch(other -> PerceptualHash.distance(other, wanted) <= 3);
            int earlier = near.add(hash);
            assertThat(earlier >= 0).isEqualTo(any);
            if (any) {
                assertThat(PerceptualHash.distance(hashes.get(earlier), hash)).isLessThanOrEqualTo(3);
                found++;
            }
            hashes.add(hash);
        }
        assertThat(found).isBetween(100, 500);
    }

    @Test
    void theHashSurvivesAnotherSize() {
        int side = 96;
        byte[] large = new byte[side * side * 3];
        byte[] other = new byte[large.length];
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                byte value = (byte) (128 + 60 * Math.sin(x / 9.0 + y * y / 700.0) + 50 * Math.cos(x * y / 900.0));
                byte turned = (byte) (128 + 100 * Math.sin((x - y) / 5.0));
                for (int c = 0; c < 3; c++) {
                    large[(y * side + x) * 3 + c] = value;
                    other[(y * side + x) * 3 + c] = turned;
                }
            }
        }
        long hash = PerceptualHash.of(rgb(large, side));
        byte[] small = Preprocessor.openai(side / 2).toRgb(rgb(large, side));
        assertThat(PerceptualHash.distance(hash, PerceptualHash.of(rgb(small, side / 2))))
                .isLessThanOrEqualTo(PerceptualHash.NEAR);
        assertThat(PerceptualHash.distance(hash, PerceptualHash.of(rgb(other, side))))
                .isGreaterThan(10);
    }

    private static Picture rgb(byte[] pixels, int side) {
        return Picture.ofRgb(java.lang.foreign.MemorySegment.ofArray(pixels), side, side);
    }
}
