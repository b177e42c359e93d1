package jclip.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import jclip.checkpoint.CheckpointException.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Reading and writing of checkpoints that the test makes itself. */
class CheckpointTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(
            value = Layout.class,
            names = {"OPENCLIP", "HUGGINGFACE"})
    void roundTripKeepsEveryBitArchitectureAndPreprocessing(Layout layout) {
        try (Checkpoint source = Checkpoint.formula(TestFiles.VIT, "salt", "small")) {
            source.write(folder.resolve("a"), layout);
            try (Checkpoint first = Checkpoint.open(folder.resolve("a"))) {
                assertThat(first.layout()).isEqualTo(layout);
                assertThat(first.architecture()).isEqualTo(TestFiles.VIT);
                assertThat(first.preprocess()).isEqualTo(source.preprocess());
                assertThat(TestFiles.allBits(first)).isEqualTo(TestFiles.allBits(source));
                assertThat(first.logitScale()).isEqualTo(Float.intBitsToFloat(0x40935d8e));
                Layout other = layout == Layout.OPENCLIP ? Layout.HUGGINGFACE : Layout.OPENCLIP;
                first.write(folder.resolve("b"), other);
            }
            try (Checkpoint second = Checkpoint.open(folder.resolve("b"))) {
                assertThat(TestFiles.allBits(second)).isEqualTo(TestFiles.allBits(source));
                second.write(folder.resolve("c"), layout);
            }
        }
        assertSameFiles(folder.resolve("a"), folder.resolve("c"));
    }

    @Test
    void resNetRoundTripInOpenClipOnly() {
        try (Checkpoint source = Checkpoint.formula(TestFiles.RESNET, "", "small")) {
            source.write(folder.resolve("a"), Layout.OPENCLIP);
            try (Checkpoint copy = Checkpoint.open(folder.resolve("a"))) {
                assertThat(copy.architecture()).isEqualTo(TestFiles.RESNET);
                assertThat(TestFiles.allBits(copy)).isEqualTo(TestFiles.allBits(source));
            }
            assertReason(Reason.UNSUPPORTED_FORMAT, () -> source.write(folder.resolve("b"), Layout.HUGGINGFACE));
            assertThat(folder.resolve("b")).doesNotExist();
        }
    }

    @Test
    void oddSettingsSurviveTheRoundTrip() {
        Architecture odd = new Architecture(
                16,
                Activation.GELU,
                new Architecture.Vit(28, 14, 44, 1, 4, 11, 193, 1e-6),
                new Architecture.Text(13, 40, 36, 1, 3, 12, 127, Architecture.Pool.EOS, 39, 1e-4));
        for (Layout layout : List.of(Layout.OPENCLIP, Layout.HUGGINGFACE)) {
            try (Checkpoint source = Checkpoint.formula(odd, "", "odd")) {
                source.write(folder.resolve(layout.name()), layout);
            }
            try (Checkpoint copy = Checkpoint.open(folder.resolve(layout.name()))) {
                assertThat(copy.architecture()).isEqualTo(odd);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F16", "BF16"})
    void narrowTypesRoundToNearestEvenAndThenStay(DType type) {
        try (Checkpoint source = Checkpoint.formula(TestFiles.VIT, "", "small")) {
            source.write(folder.resolve("a"), Layout.OPENCLIP, type);
            try (Checkpoint narrow = Checkpoint.open(folder.resolve("a"))) {
                for (String name : narrow.names()) {
                    assertThat(narrow.dtype(name)).isEqualTo(type);
                    float[] wide = TestFiles.values(source, name);
                    float[] rounded = TestFiles.values(narrow, name);
                    for (int i = 0; i < wide.length; i++) {
                        assertThat(rounded[i]).isEqualTo(nearest(type, wide[i]));
                    }
                }
                narrow.write(folder.resolve("b"), Layout.HUGGINGFACE);
                try (Checkpoint again = Checkpoint.open(folder.resolve("b"))) {
                    assertThat(again.dtype("visual.proj")).isEqualTo(type);
                    assertThat(TestFiles.allBits(again)).isEqualTo(TestFiles.allBits(narrow));
                }
            }
        }
    }

    /** The neighbour with the smaller distance, found by looking at both. */
    private static float nearest(DType type, float value) {
        if (type == DType.F16) {
            return Float.float16ToFloat(Float.floatToFloat16(value));
        }
        float low = Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
        float high = Float.intBitsToFloat((Float.floatToRawIntBits(value) & 0xffff0000) + 0x10000);
        double toLow = Math.abs((double) value - low);
        double toHigh = Math.abs((double) high - value);
        boolean lowIsEven = (Float.floatToRawIntBits(low) & 0x10000) == 0;
        return toLow < toHigh || (toLow == toHigh && lowIsEven) ? low : high;
    }

    @Test
    void valuesThatDoNotFitAreNotMadeInfinite() {
        Path file = folder.resolve("big/weights.safetensors");
        rewrite(file, (name, values) -> {
            if (name.equals("ln_final.bias")) {
                values[3] = 70000;
            }
        });
        try (Checkpoint big = Checkpoint.open(file)) {
            assertReason(Reason.CANNOT_WRITE, () -> big.write(folder.resolve("a"), Layout.OPENCLIP, DType.F16));
            assertThat(folder.resolve("a")).doesNotExist();
            big.write(folder.resolve("b"), Layout.OPENCLIP, DType.BF16);
        }
        assertThat(list(folder)).containsExactlyInAnyOrder("big", "b");
    }

    @Test
    void writingNeverOverwrites() {
        TestFiles.write(folder.resolve("used/note.txt"), new byte[3]);
        try (Checkpoint source = Checkpoint.formula(TestFiles.VIT, "", "small")) {
            assertReason(Reason.CANNOT_WRITE, () -> source.write(folder.resolve("used"), Layout.OPENCLIP));
            assertThat(list(folder.resolve("used"))).containsExactly("note.txt");
            folder.resolve("empty").toFile().mkdir();
            source.write(folder.resolve("empty"), Layout.OPENCLIP);
            assertThat(list(folder.resolve("empty")))
                    .containsExactlyInAnyOrder("open_clip_model.safetensors", "open_clip_config.json");
        }
        assertThat(list(folder)).containsExactlyInAnyOrder("used", "empty");
    }

    @Test
    void vocabularyTravels() {
        try (Checkpoint source = Checkpoint.formula(TestFiles.VIT, "", "small")) {
            source.write(folder.resolve("a"), Layout.OPENCLIP);
        }
        TestFiles.write(folder.resolve("a/merges.txt"), "a b".getBytes(StandardCharsets.UTF_8));
        try (Checkpoint source = Checkpoint.open(folder.resolve("a"))) {
            source.write(folder.resolve("b"), Layout.HUGGINGFACE);
        }
        assertThat(folder.resolve("b/merges.txt")).hasContent("a b");
    }

    @Test
    void openAiLayoutIsInferred() {
        Path file = folder.resolve("weights.safetensors");
        rewrite(file, (name, values) -> {});
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.layout()).isEqualTo(Layout.OPENAI);
            assertThat(checkpoint.architecture()).isEqualTo(TestFiles.VIT);
        }
    }

    @Test
    void torchFilesGiveTheSameTensors() {
        try (Checkpoint source = Checkpoint.formula(TestFiles.VIT, "", "small")) {
            Map<String, List<Integer>> bits = TestFiles.allBits(source);
            for (boolean deflated : new boolean[] {false, true}) {
                TestFiles.write(folder.resolve("model.pt"), TestFiles.torch(source, false, deflated));
                try (Checkpoint checkpoint = Checkpoint.open(folder)) {
                    assertThat(TestFiles.allBits(checkpoint)).isEqualTo(bits);
                }
            }
            TestFiles.write(folder.resolve("t/epoch_1.pt"), TestFiles.torch(source, true, false));
            assertReason(Reason.FILE_NOT_FOUND, () -> Checkpoint.open(folder.resolve("t"))
                    .close());
            TestFiles.json(
                    folder.resolve("t/open_clip_config.json"),
                    OpenClipConfig.write(source.architecture(), source.preprocess()));
            try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("t"))) {
                assertThat(checkpoint.layout()).isEqualTo(Layout.OPENCLIP);
                assertThat(TestFiles.allBits(checkpoint)).isEqualTo(bits);
            }
        }
    }

    @Test
    void shardsAreJoinedAndMustAgreeWithTheirIndex() {
        try (Checkpoint source = Checkpoint.formula(TestFiles.VIT, "", "small")) {
            source.write(folder.resolve("whole"), Layout.HUGGINGFACE);
            Map<String, List<Integer>> bits = TestFiles.allBits(source);
            Path shards = shard(folder.resolve("whole"), "model-00002-of-00002.safetensors");
            try (Checkpoint checkpoint = Checkpoint.open(shards)) {
                assertThat(TestFiles.allBits(checkpoint)).isEqualTo(bits);
            }
        }
        assertReason(
                Reason.FILE_NOT_FOUND, () -> Checkpoint.open(shard(folder.resolve("whole"), "absent.safetensors")));
        assertReason(Reason.BAD_CONFIG, () -> Checkpoint.open(shard(folder.resolve("whole"), "../model.safetensors")));
        assertReason(
                Reason.MISSING_TENSOR,
                () -> Checkpoint.open(shard(folder.resolve("whole"), "model-00001-of-00002.safetensors")));
    }

    /** Cuts model.safetensors in two; the index says that the second half is in {@code second}. */
    private Path shard(Path whole, String second) {
        Path shards = folder.resolve("shards" + System.nanoTime());
        Map<String, Object> map = new LinkedHashMap<>();
        try (Safetensors file = Safetensors.open(whole.resolve("model.safetensors"))) {
            SequencedMap<String, TensorView> first = new LinkedHashMap<>();
            SequencedMap<String, TensorView> rest = new LinkedHashMap<>();
            for (String name : file.names()) {
                boolean early = first.size() < 10;
                (early ? first : rest).put(name, file.tensor(name));
                map.put(name, early ? "model-00001-of-00002.safetensors" : second);
            }
            TestFiles.json(shards.resolve("model.safetensors.index.json"), Map.of("weight_map", map));
            Safetensors.write(shards.resolve("model-00001-of-00002.safetensors"), first, Map.of());
            Safetensors.write(shards.resolve("model-00002-of-00002.safetensors"), rest, Map.of());
            Files.copy(whole.resolve("config.json"), shards.resolve("config.json"));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return shards;
    }

    @Test
    void everyProblemIsListedWithShapes() {
        Path file = folder.resolve("open_clip_model.safetensors");
        rewrite(
                file,
                (name, values) -> {},
                Map.of("ln_final.bias", "ln_final.bios", "text_projection", "text_projection"),
                "text_projection");
        TestFiles.json(
                folder.resolve("open_clip_config.json"), OpenClipConfig.write(TestFiles.VIT, Preprocess.standard(16)));
        assertThatThrownBy(() -> Checkpoint.open(folder))
                .hasMessageContaining("missing: 'ln_final.bias' [64]")
                .hasMessageContaining("unexpected: 'ln_final.bios' [64]")
                .hasMessageContaining("wrong shape: 'text_projection' found [16, 64], wanted [64, 16]");
    }

    @Test
    void activationMustNotContradict() {
        rewrite(folder.resolve("weights.safetensors"), (name, values) -> {});
        Checkpoint.Request gelu = new Checkpoint.Request(Activation.GELU, null);
        assertReason(Reason.ACTIVATION_MISMATCH, () -> Checkpoint.open(folder, gelu));
        Checkpoint.open(folder, new Checkpoint.Request(Activation.QUICK_GELU, null))
                .close();
    }

    @Test
    void openClipSettingsThatChangeTheModelAreRefused() throws IOException {
        Map<String, Object> config = OpenClipConfig.write(TestFiles.VIT, Preprocess.standard(16));
        for (Map.Entry<String, Object> setting : Map.<String, Object>of(
                        "attentional_pool",
                        true,
                        "timm_model_name",
                        "vit",
                        "no_ln_pre",
                        true,
                        "ls_init_value",
                        0.1,
                        "pos_embed_type",
                        "sin_cos_2d",
                        "something_new",
                        1)
                .entrySet()) {
            Map<String, Object> copy = Json.object(new java.io.ByteArrayInputStream(Json.bytes(config)));
            at(copy, "model_cfg", "vision_cfg").put(setting.getKey(), setting.getValue());
            assertThatThrownBy(() -> Architecture.parse(new java.io.ByteArrayInputStream(Json.bytes(copy)), "test"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining(setting.getKey());
        }
        Map<String, Object> plain = Json.object(new java.io.ByteArrayInputStream(Json.bytes(config)));
        at(plain, "model_cfg", "vision_cfg").put("attentional_pool", false);
        at(plain, "model_cfg", "vision_cfg").put("patch_dropout", 0.5);
        assertThat(Architecture.parse(new java.io.ByteArrayInputStream(Json.bytes(at(plain, "model_cfg"))), "test"))
                .isEqualTo(TestFiles.VIT);
    }

    @Test
    void openClipDefaultsAndRounding() {
        Architecture parsed =
                Architecture.parse(new java.io.ByteArrayInputStream("""
                    {"embed_dim": 512, "quick_gelu": true,
                     "vision_cfg": {"width": 96, "head_width": 40, "mlp_ratio": 4.9231},
                     "text_cfg": {}}
                    """.getBytes(StandardCharsets.UTF_8)), "test");
        Architecture.Vit vit = (Architecture.Vit) parsed.vision();
        assertThat(vit).isEqualTo(new Architecture.Vit(224, 16, 96, 12, 2, 48, 472, 1e-5));
        assertThat(parsed.text())
                .isEqualTo(new Architecture.Text(77, 49408, 512, 12, 8, 64, 2048, Architecture.Pool.ARGMAX, -1, 1e-5));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> at(Map<String, Object> map, String... path) {
        Map<String, Object> inner = map;
        for (String key : path) {
            inner = (Map<String, Object>) inner.get(key);
        }
        return inner;
    }

    @Test
    void closeWaitsForReadsAndEndsUse() throws InterruptedException {
        try (Checkpoint source = Checkpoint.formula(TestFiles.VIT, "", "small")) {
            source.write(folder.resolve("a"), Layout.OPENCLIP);
        }
        Checkpoint checkpoint = Checkpoint.open(folder.resolve("a"));
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Thread reader = Thread.ofPlatform()
                .start(() -> checkpoint.whileOpen(() -> {
                    inside.countDown();
                    try {
                        go.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    TestFiles.values(checkpoint, "visual.proj");
                }));
        inside.await();
        Thread closer = Thread.ofPlatform().start(checkpoint::close);
        closer.join(100);
        assertThat(closer.isAlive()).isTrue();
        go.countDown();
        closer.join();
        reader.join();
        checkpoint.close();
        assertThatThrownBy(checkpoint::logitScale).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> checkpoint.release("visual.proj")).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void wrongArgumentsAreNamed() {
        try (Checkpoint checkpoint = Checkpoint.formula(TestFiles.VIT, "", "small");
                Arena arena = Arena.ofConfined()) {
            MemorySegment small = arena.allocate(ValueLayout.JAVA_FLOAT);
            assertThatThrownBy(() -> checkpoint.read("visual.proj", small))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> checkpoint.read("nothing", small)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> Checkpoint.formula("ViT-Z")).isInstanceOf(IllegalArgumentException.class);
        assertReason(Reason.FILE_NOT_FOUND, () -> Checkpoint.open(folder));
        assertReason(Reason.FILE_NOT_FOUND, () -> Checkpoint.open(folder.resolve("absent")));
    }

    @Test
    void testValuesOfTheFormula() {
        assertThat(Formula.hash("", "token_embedding.weight")).isEqualTo(0xae3e3da632d0799eL);
        int[] bits = {7702317, 5357880, 11675050, 16050427};
        for (int i = 0; i < bits.length; i++) {
            assertThat(Formula.bits(0xae3e3da632d0799eL, i)).isEqualTo(bits[i]);
        }
        Architecture rn50 = FullSize.architecture("RN50");
        String name = "visual.layer3.2.bn3.weight";
        FormulaTensor tensor = Formula.tensor("", name, rn50.tensors().get(name), rn50);
        float[] values = new float[4];
        Formula.fill(values, tensor.hash(), 0, tensor.offset(), tensor.scale());
        assertThat(Float.floatToRawIntBits(values[0])).isEqualTo(0x3e4a7a4e);
        assertThat(Float.floatToRawIntBits(values[3])).isEqualTo(0x3e4851a6);
    }

    private interface Change {
        void apply(String name, float[] values);
    }

    private static void rewrite(Path file, Change change) {
        rewrite(file, change, Map.of(), "");
    }

    /** Writes the small ViT's tensors under OpenAI's names, some renamed, one with its sizes exchanged. */
    private static void rewrite(Path file, Change change, Map<String, String> renamed, String turned) {
        try (Checkpoint source = Checkpoint.formula(TestFiles.VIT, "", "small");
                Arena arena = Arena.ofConfined()) {
            Files.createDirectories(file.getParent());
            SequencedMap<String, TensorView> tensors = new LinkedHashMap<>();
            for (String name : source.names()) {
                float[] values = TestFiles.values(source, name);
                change.apply(name, values);
                List<Long> shape = StoredTensor.sizes(source.shape(name));
                tensors.put(
                        renamed.getOrDefault(name, name),
                        new TensorView(
                                DType.F32,
                                name.equals(turned) ? shape.reversed() : shape,
                                arena.allocateFrom(ValueLayout.JAVA_FLOAT, values)));
            }
            Safetensors.write(file, tensors, Map.of());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void assertReason(Reason reason, Runnable action) {
        assertThatThrownBy(action::run).isInstanceOfSatisfying(CheckpointException.class, e -> assertThat(e.reason())
                .isEqualTo(reason));
    }

    private static List<String> list(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void assertSameFiles(Path a, Path b) {
        assertThat(list(a)).containsExactlyInAnyOrderElementsOf(list(b));
        for (String name : list(a)) {
            assertThat(a.resolve(name)).hasSameBinaryContentAs(b.resolve(name));
        }
    }
}
