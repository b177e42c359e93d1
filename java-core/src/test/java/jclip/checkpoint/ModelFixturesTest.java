package jclip.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import jclip.Fixtures;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The part of the model fixtures that concerns loading: every case of kinds forward, reject and formula. */
class ModelFixturesTest {
    private static final List<String> ALWAYS = List.of("full_vit_b_32", "full_rn50");

    @TestFactory
    Stream<DynamicTest> forward() {
        return tests("forward", ModelFixturesTest::loads);
    }

    @TestFactory
    Stream<DynamicTest> opensByFolder() {
        return tests("forward", (folder, config) -> {
            try (Checkpoint checkpoint = Checkpoint.open(folder)) {
                assertThat(checkpoint.source()).isEqualTo(weights(folder, config));
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> reject() {
        return tests("reject", (folder, config) -> {
            Checkpoint.Request request = new Checkpoint.Request(
                    config.object("load").has("activation")
                            ? Activation.named(config.object("load").string("activation"))
                                    .orElseThrow()
                            : null,
                    null);
            List<String> accepted = new ArrayList<>(List.of(config.string("reason")));
            config.list("also_accepted").forEach(reason -> accepted.add((String) reason));
            assertThatThrownBy(() -> Checkpoint.open(weights(folder, config), request))
                    .isInstanceOfSatisfying(CheckpointException.class, e -> assertThat(accepted)
                            .contains(e.reason().name().toLowerCase(Locale.ROOT)))
                    .hasMessageContaining(folder.getFileName().toString());
        });
    }

    @TestFactory
    Stream<DynamicTest> positionGrid() {
        return tests("forward", (folder, config) -> {
            if (config.object("load").has("image_size")) {
                resizes(folder, config);
            }
        });
    }

    /** Offsets and scales of all tensors of all full-size models, from their shapes.json, without making values. */
    @TestFactory
    Stream<DynamicTest> formulaScales() {
        return tests("formula", (folder, config) -> {
            Architecture architecture = FormulaCase.architecture(config);
            List<?> tensors =
                    Config.read(folder.resolve(config.string("shapes"))).list("tensors");
            Map<String, long[]> shapes = architecture.tensors();
            assertThat(tensors).hasSameSizeAs(shapes.keySet());
            for (Object entry : tensors) {
                List<?> row = (List<?>) entry;
                String name = (String) row.get(0);
                assertThat(StoredTensor.sizes(shapes.get(name))).as(name).isEqualTo(row.get(1));
                FormulaTensor tensor = Formula.tensor(config.string("salt"), name, shapes.get(name), architecture);
                assertThat(hex(tensor.offset())).as(name + " offset").isEqualTo(row.get(3));
                assertThat(hex(tensor.scale())).as(name + " scale").isEqualTo(row.get(4));
            }
            assertThat(architecture.parameters()).isEqualTo(((Number) config.get("parameters")).longValue());
        });
    }

    /** The bits of whole tensors: ViT-B/32 and RN50 always, the others with -Djclip.full=true. */
    @TestFactory
    Stream<DynamicTest> formulaBits() {
        return tests("formula", (folder, config) -> {
            if (!ALWAYS.contains(config.string("name")) && !Boolean.getBoolean("jclip.full")) {
                return;
            }
            try (Checkpoint checkpoint = Checkpoint.formulaCase(folder)) {
                for (Object entry :
                        Config.read(folder.resolve(config.string("shapes"))).list("tensors")) {
                    List<?> row = (List<?>) entry;
                    String name = (String) row.get(0);
                    assertThat(String.format("%016x", bitsSum(checkpoint, name)))
                            .as(name)
                            .isEqualTo(row.get(5));
                }
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> formulaInputs() {
        return tests("formula", (folder, config) -> {
            Config pixels = config.object("pixels");
            float[] values = Formula.pixels(config.string("salt"), pixels.integer("images"), pixels.integer("size"));
            long sum = 0;
            for (float value : values) {
                sum += Float.floatToRawIntBits(value) & 0xffffffffL;
            }
            assertThat(String.format("%016x", sum)).isEqualTo(pixels.string("bits_sum"));
            assertThat(Stream.of(0, 1, 2, 3, 4, 5, 6, 7)
                            .map(i -> hex(values[i]))
                            .toList())
                    .isEqualTo(pixels.list("first8"));
            int[] lengths = config.object("tokens").list("lengths").stream()
                    .mapToInt(n -> ((Long) n).intValue())
                    .toArray();
            Architecture.Text text = FormulaCase.architecture(config).text();
            int[] tokens = Formula.tokens(config.string("salt"), lengths, text.contextLength(), text.vocabSize());
            try (Safetensors inputs = Safetensors.open(folder.resolve(config.string("inputs")))) {
                assertThat(inputs.tensor("tokens").data().toArray(ValueLayout.JAVA_INT_UNALIGNED))
                        .isEqualTo(tokens);
            }
        });
    }

    private interface Check {
        void run(Path folder, Config config);
    }

    private static Stream<DynamicTest> tests(String kind, Check check) {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path folder : Fixtures.cases("models")) {
            Config config = Config.read(folder.resolve("case.json"));
            if (config.string("kind").equals(kind)) {
                tests.add(DynamicTest.dynamicTest(folder.getFileName().toString(), () -> check.run(folder, config)));
            }
        }
        if (tests.isEmpty()) {
            tests.add(DynamicTest.dynamicTest("fixtures absent: nothing was checked", () -> {}));
        }
        return tests.stream();
    }

    private static Path weights(Path folder, Config config) {
        Config files = config.object("files");
        return folder.resolve(
                files.has("index")
                        ? files.string("index")
                        : (String) files.list("weights").getFirst());
    }

    private static void loads(Path folder, Config config) {
        try (Checkpoint checkpoint = Checkpoint.open(weights(folder, config))) {
            Layout layout =
                    switch (config.string("layout")) {
                        case "hf" -> Layout.HUGGINGFACE;
                        case "openclip" -> Layout.OPENCLIP;
                        default -> Layout.OPENAI;
                    };
            assertThat(checkpoint.layout()).isEqualTo(layout);
            assertThat(checkpoint.architecture()).isEqualTo(FormulaCase.architecture(config));
            assertThat(checkpoint.logitScale()).isCloseTo((float) config.number("logit_scale", 0), within(1e-7f));
            assertThat(checkpoint.preprocess())
                    .isEqualTo(Preprocess.standard(
                            checkpoint.architecture().vision().imageSize()));
            for (String name : checkpoint.names()) {
                float[] values = read(checkpoint, name);
                checkpoint.release(name);
                assertThat(read(checkpoint, name)).as(name).isEqualTo(values);
                for (float value : values) {
                    assertThat(Float.isFinite(value)).as(name).isTrue();
                }
            }
            checkStorage(config, checkpoint);
        }
    }

    private static void checkStorage(Config config, Checkpoint checkpoint) {
        List<DType> types = checkpoint.names().stream()
                .map(checkpoint::dtype)
                .distinct()
                .sorted()
                .toList();
        assertThat(types)
                .isEqualTo(
                        switch (config.string("storage")) {
                            case "fp16" -> List.of(DType.F16);
                            case "bf16" -> List.of(DType.BF16);
                            case "mixed_fp16" -> List.of(DType.F32, DType.F16);
                            default -> List.of(DType.F32);
                        });
    }

    private static void resizes(Path folder, Config config) {
        try (Checkpoint checkpoint = Checkpoint.open(weights(folder, config));
                Safetensors expected = Safetensors.open(folder.resolve("expected.safetensors"))) {
            Architecture.Vit vit = (Architecture.Vit) checkpoint.architecture().vision();
            int side = config.object("load").integer("image_size") / vit.patchSize();
            float[] table = read(checkpoint, "visual.positional_embedding");
            float[] grid = Arrays.copyOfRange(table, vit.width(), table.length);
            float[] resized = PositionGrid.resize(grid, vit.grid(), side, vit.width());
            float[] wanted =
                    expected.tensor("act.visual.positional_embedding").data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            assertThat(wanted).hasSize(vit.width() + resized.length);
            assertThat(Arrays.copyOf(wanted, vit.width())).isEqualTo(Arrays.copyOf(table, vit.width()));
            double error = 0;
            double norm = 0;
            for (int i = 0; i < resized.length; i++) {
                double reference = wanted[vit.width() + i];
                error += Math.pow(resized[i] - reference, 2);
                norm += reference * reference;
            }
            assertThat(Math.sqrt(error / norm)).isLessThan(1e-7);
        }
    }

    private static float[] read(Checkpoint checkpoint, String name) {
        try (Arena arena = Arena.ofConfined()) {
            long bytes = StoredTensor.elements(checkpoint.shape(name)) * Float.BYTES;
            MemorySegment values = arena.allocate(bytes, 64);
            checkpoint.read(name, values);
            return values.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    private static long bitsSum(Checkpoint checkpoint, String name) {
        long elements = StoredTensor.elements(checkpoint.shape(name));
        try (Arena arena = Arena.ofShared()) { // filled by several threads
            MemorySegment values = arena.allocate(elements * Float.BYTES, 64);
            checkpoint.read(name, values);
            long sum = 0;
            for (long i = 0; i < elements; i++) {
                sum += values.getAtIndex(ValueLayout.JAVA_INT, i) & 0xffffffffL;
            }
            return sum;
        }
    }

    private static String hex(float value) {
        return String.format("%08x", Float.floatToRawIntBits(value));
    }
}
