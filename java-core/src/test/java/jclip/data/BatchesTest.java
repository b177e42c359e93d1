package jclip.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.stream.IntStream;
import jclip.backend.NativeMemory;
import jclip.image.Crop;
import jclip.image.Picture;
import jclip.image.PictureSource;
import jclip.image.Preprocessor;
import jclip.image.ResizeMode;
import jclip.text.Overflow;
import jclip.text.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Streams of batches: the same bits for any number of workers and from any step on, and what becomes of broken samples. */
@Timeout(60)
class BatchesTest {
    private static final int SIZE = 16;

    @TempDir
    private Path folder;

    private static final Preprocessor PREPROCESSOR =
            Preprocessor.builder().size(SIZE, SIZE).build();

    /** Pictures by number, of which some cannot be decoded or have no caption. */
    private record World(int size, Set<Integer> broken, Set<Integer> silent) implements Dataset {
        static World of(int size) {
            return new World(size, Set.of(), Set.of());
        }

        @Override
        public String key(int index) {
            return "world " + index;
        }

        @Override
        public PictureSource picture(int index) {
            if (broken.contains(index)) {
                return PictureSource.of(new byte[] {1, 2, 3}, key(index));
            }
            int width = 10 + index % 30;
            byte[] rgb = new byte[width * 24 * 3];
            for (int i = 0; i < rgb.length; i++) {
                rgb[i] = (byte) (i * 31 + index * 17);
            }
            return PictureSource.of(Picture.ofRgb(MemorySegment.ofArray(rgb), width, 24));
        }

        @Override
        public int captionCount(int index) {
            return silent.contains(index) ? 0 : 1 + index % 3;
        }

        @Override
        public String caption(int index, int which) {
            return "number " + index + " caption " + which + " with some more words so that it may be cut";
        }

        @Override
        public int label(int index) {
            return index % 5;
        }
    }

    private record Content(long step, float[] pixels, int[] tokens, List<Integer> samples, List<Integer> lengths) {
        static Content of(Batch batch) {
            return new Content(
                    batch.step(),
                    batch.pixels().toArray(ValueLayout.JAVA_FLOAT),
                    batch.tokens().toArray(ValueLayout.JAVA_INT),
                    IntStream.range(0, batch.size()).mapToObj(batch::sample).toList(),
                    IntStream.range(0, batch.size()).mapToObj(batch::length).toList());
        }

        void mustEqual(Content other) {
            assertThat(step).isEqualTo(other.step);
            assertThat(samples).isEqualTo(other.samples);
            assertThat(lengths).isEqualTo(other.lengths);
            assertThat(Arrays.equals(tokens, other.tokens)).isTrue();
            assertThat(Arrays.equals(pixels, other.pixels)).isTrue();
        }
    }

    private static Batches.Builder builder(Mixture mixture) {
        return Batches.builder(mixture)
                .preprocessor(PREPROCESSOR)
                .tokenizer(Tokenizer.standard(), 12)
                .batchSize(7)
                .seed(42);
    }

    private static List<Content> run(Batches.Builder builder, int steps) {
        try (Batches batches = builder.training()) {
            List<Content> contents = new ArrayList<>();
            for (int i = 0; i < steps; i++) {
                contents.add(Content.of(batches.next()));
            }
            return contents;
        }
    }

    @Test
    void workersAndBeginningChangeNothing() {
        Mixture mixture =
                new Mixture(List.of(new World(40, Set.of(1, 2, 3), Set.of(4)), World.of(9)), List.of(3.0, 1.0));
        List<Content> one = run(builder(mixture).workers(1), 30);
        for (int workers : new int[] {2, 3, 7}) {
            List<Content> many = run(builder(mixture).workers(workers).prefetch(workers), 30);
            for (int i = 0; i < 30; i++) {
                many.get(i).mustEqual(one.get(i));
            }
        }
        List<Content> later = run(builder(mixture).workers(2).firstStep(17), 13);
        for (int i = 0; i < 13; i++) {
            later.get(i).mustEqual(one.get(17 + i));
        }
        assertThat(Arrays.equals(
                        run(builder(mixture).seed(43), 1).getFirst().pixels(),
                        one.getFirst().pixels()))
                .isFalse();
    }

    @Test
    void everyEpochHoldsEachSampleAtMostOnce() {
        Dataset world = World.of(45);
        Set<List<Integer>> epochs = new HashSet<>();
        try (Batches batches = builder(Mixture.of(world)).training()) {
            assertThat(batches.stepsPerEpoch()).isEqualTo(6);
            for (int epoch = 0; epoch < 5; epoch++) {
                List<Integer> seen = new ArrayList<>();
                for (int i = 0; i < 6; i++) {
                    seen.addAll(Content.of(batches.next()).samples());
                }
                assertThat(seen).hasSize(42).doesNotHaveDuplicates();
                epochs.add(seen);
            }
        }
        assertThat(epochs).hasSize(5);
    }

    /** What a place holds, made step by step with the public parts. */
    @Test
    void contentsAreThoseOfTheParts() {
        Dataset world = World.of(40);
        Tokenizer tokenizer = Tokenizer.standard();
        Philox philox = new Philox(42);
        Preprocessor squash = Preprocessor.builder()
                .size(SIZE, SIZE)
                .resizeMode(ResizeMode.SQUASH)
                .build();
        float[] wanted = new float[3 * SIZE * SIZE];
        int cropped = 0;
        for (Content content : run(builder(Mixture.of(world)), 4)) {
            for (int i = 0; i < 7; i++) {
                int sample = content.samples.get(i);
                Picture whole = ((PictureSource.Decoded) world.picture(sample)).picture();
                Crop.Box box =
                        RandomResizedCrop.openClip().at(philox, content.step, i).box(whole.width(), whole.height());
                cropped += box.width() < whole.width() || box.height() < whole.height() ? 1 : 0;
                squash.toTensor(whole.crop(box), MemorySegment.ofArray(wanted));
                int values = wanted.length;
                assertThat(Arrays.equals(wanted, 0, values, content.pixels, i * values, (i + 1) * values))
                        .isTrue();
                int[] row = Arrays.copyOfRange(content.tokens, i * 12, i * 12 + 12);
                List<List<Integer>> possible = new ArrayList<>();
                for (int c = 0; c < world.captionCount(sample); c++) {
                    possible.add(Arrays.stream(tokenizer.encode(world.caption(sample, c), 12, Overflow.TRUNCATE))
                            .boxed()
                            .toList());
                }
                assertThat(possible).contains(Arrays.stream(row).boxed().toList());
                assertThat(content.lengths.get(i)).isEqualTo(12);
                assertThat(row[11]).isEqualTo(tokenizer.endToken());
            }
        }
        assertThat(cropped).isGreaterThan(14);
    }

    @Test
    void allCaptionsAndSetsHaveTheirTurn() {
        Mixture mixture = new Mixture(List.of(World.of(1), World.of(3)), List.of(1.0, 3.0));
        Set<List<Integer>> rows = new HashSet<>();
        int first = 0;
        int all = 0;
        try (Batches batches = builder(mixture).training()) {
            for (int i = 0; i < 200; i++) {
                Batch batch = batches.next();
                for (int k = 0; k < batch.size(); k++) {
                    first += batch.set(k) == 0 ? 1 : 0;
                    all++;
                    rows.add(List.of(
                            batch.set(k),
                            batch.sample(k),
                            batch.tokens().getAtIndex(ValueLayout.JAVA_INT, 12L * k + 5)));
                }
            }
        }
        // One caption of world 0, and one, two and three of the other.
        assertThat(rows).hasSizeGreaterThanOrEqualTo(4);
        // A quarter of 1400 draws: five standard deviations are 81.
        assertThat(first).isBetween(350 - 81, 350 + 81);
        assertThat(all).isEqualTo(1400);
    }

    @Test
    void brokenSamplesAreReplacedAndCounted() {
        World world = new World(30, Set.of(3, 7, 11), Set.of(5));
        try (Batches batches = builder(Mixture.of(world)).batchSize(10).training()) {
            for (int i = 0; i < 3; i++) {
                Content content = Content.of(batches.next());
                assertThat(content.samples()).hasSize(10).doesNotContain(3, 5, 7, 11);
            }
            assertThat(batches.drops().get(Defect.BAD_PICTURE)).isGreaterThanOrEqualTo(3);
            assertThat(batches.drops().get(Defect.NO_CAPTION)).isGreaterThanOrEqualTo(1);
        }
    }

    @Test
    void nothingButBrokenSamplesIsAnError() {
        World world = new World(3, Set.of(0, 1, 2), Set.of());
        try (Batches batches = builder(Mixture.of(world)).workers(2).training()) {
            assertThatThrownBy(batches::next)
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("bad picture")
                    .hasMessageContaining("data check");
        }
    }

    @Test
    void anEvaluationTakesEverySampleInOrder() {
        World world = new World(23, Set.of(2, 9, 22), Set.of(5));
        List<Integer> samples = new ArrayList<>();
        long before = NativeMemory.liveBytes();
        try (Batches batches = builder(Mixture.of(world)).workers(3).evaluation()) {
            while (batches.hasNext()) {
                Batch batch = batches.next();
                for (int i = 0; i < batch.size(); i++) {
                    samples.add(batch.sample(i));
                    assertThat(batch.label(i)).isEqualTo(batch.sample(i) % 5);
                    float[] wanted = new float[3 * SIZE * SIZE];
                    PREPROCESSOR.toTensor(
                            ((PictureSource.Decoded) world.picture(batch.sample(i))).picture(),
                            MemorySegment.ofArray(wanted));
                    long bytes = 4L * wanted.length;
                    assertThat(batch.pixels().asSlice(i * bytes, bytes).mismatch(MemorySegment.ofArray(wanted)))
                            .isEqualTo(-1);
                    assertThat(batch.length(i)).isEqualTo(batch.sample(i) == 5 ? 0 : 12);
                }
            }
            assertThat(batches.drops()).containsEntry(Defect.BAD_PICTURE, 3L).hasSize(1);
            assertThatThrownBy(batches::next).isInstanceOf(NoSuchElementException.class);
        }
        assertThat(samples)
                .isEqualTo(IntStream.range(0, 23)
                        .filter(i -> i != 2 && i != 9 && i != 22)
                        .boxed()
                        .toList());
        assertThat(NativeMemory.liveBytes()).isEqualTo(before);
    }

    @Test
    void closingLeavesNoThreads() {
        for (int i = 0; i < 5; i++) {
            Batches batches = builder(Mixture.of(World.of(20))).workers(3).training();
            if (i > 0) {
                batches.next();
            }
            batches.close();
            batches.close();
            assertThatThrownBy(batches::next).isInstanceOf(IllegalStateException.class);
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("jclip-data"));
    }

    @Test
    void shardsAreReadThroughBatches() throws IOException {
        SmallShards shard = new SmallShards();
        IntStream.range(0, 12).forEach(i -> shard.sample("s" + i, i));
        shard.add("bad.jpg", new byte[] {(byte) 0xFF, (byte) 0xD8, 0}).add("bad.txt", "broken");
        try (Dataset plain = Dataset.open(shard.write(folder.resolve("a.tar")).toString());
                Dataset packed =
                        Dataset.open(shard.write(folder.resolve("a.tar.gz")).toString())) {
            List<Content> one = run(builder(Mixture.of(plain)), 5);
            List<Content> two = run(builder(Mixture.of(packed)), 5);
            for (int i = 0; i < 5; i++) {
                one.get(i).mustEqual(two.get(i));
            }
        }
    }

    @Test
    void realShards() {
        Path data = Path.of("../../shared/data");
        Path set = (Files.isDirectory(data) ? data : Path.of("../shared/data")).resolve("flickr8k-dev");
        if (!Files.isDirectory(set)) {
            System.out.println("skipped: no " + set);
            return;
        }
        try (Dataset flickr = Dataset.open(set.toString());
                Batches batches = builder(Mixture.of(flickr)).batchSize(100).training()) {
            assertThat(flickr.size()).isEqualTo(1000);
            Set<Integer> seen = new HashSet<>();
            for (int i = 0; i < 10; i++) {
                seen.addAll(Content.of(batches.next()).samples());
            }
            assertThat(seen).hasSize(1000);
            assertThat(batches.drops()).isEmpty();
        }
    }
}
