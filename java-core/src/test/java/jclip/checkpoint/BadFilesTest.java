package jclip.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import jclip.Fixtures;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every hostile or odd file of the fixtures, of kinds safetensors and torch, from its own description. */
class BadFilesTest {
    private static final Map<String, DType> TYPES = Map.of(
            "float64",
            DType.F64,
            "float32",
            DType.F32,
            "float16",
            DType.F16,
            "bfloat16",
            DType.BF16,
            "int64",
            DType.I64,
            "int32",
            DType.I32,
            "int16",
            DType.I16,
            "int8",
            DType.I8,
            "uint8",
            DType.U8,
            "bool",
            DType.BOOL);

    @TestFactory
    Stream<DynamicTest> cases() {
        List<Path> cases =
                Fixtures.cases("bad").stream().filter(BadFilesTest::isMine).toList();
        if (cases.isEmpty()) {
            return Stream.of(DynamicTest.dynamicTest("fixtures absent: nothing was checked", () -> {}));
        }
        return cases.stream()
                .map(folder -> DynamicTest.dynamicTest(
                        folder.getFileName().toString(),
                        () -> Assertions.assertTimeoutPreemptively(Duration.ofSeconds(20), () -> check(folder))));
    }

    private static boolean isMine(Path folder) {
        String kind = Config.read(folder.resolve("case.json")).string("kind");
        return kind.equals("safetensors") || kind.equals("torch");
    }

    private static void check(Path folder) {
        Config described = Config.read(folder.resolve("case.json"));
        String must = described.string("must");
        Path path = folder.resolve(described.string("file"));
        try (TensorFile file =
                described.string("kind").equals("torch") ? TorchArchive.open(path) : Safetensors.open(path)) {
            for (String name : file.names()) {
                file.tensor(name);
            }
            if (must.equals("reject")) {
                fail("accepted with " + file.names());
            }
            if (described.has("expect")) {
                checkValues(described.object("expect"), file);
            }
        } catch (CheckpointException e) {
            assertThat(must).as("refused: %s", e.getMessage()).isNotEqualTo("accept");
            assertThat(e.getMessage()).contains(path.getFileName().toString());
            List<String> about = described.list("error_about").stream()
                    .map(word -> ((String) word).toLowerCase())
                    .toList();
            assertThat(must.equals("either") ? List.of("") : about)
                    .as("words for: %s", e.getMessage())
                    .anyMatch(word -> e.getMessage().toLowerCase().contains(word));
        }
    }

    private static void checkValues(Config expected, TensorFile file) {
        assertThat(file.names()).containsExactlyInAnyOrderElementsOf(expected.keys());
        for (String name : expected.keys()) {
            Config tensor = expected.object(name);
            TensorView view = file.tensor(name);
            assertThat(view.dtype()).as(name).isEqualTo(TYPES.get(tensor.string("dtype")));
            assertThat((Object) view.shape()).as(name).isEqualTo(tensor.list("shape"));
            List<?> values = tensor.list("values");
            assertThat(view.data().byteSize())
                    .isEqualTo((long) values.size() * view.dtype().bytes());
            for (int i = 0; i < values.size(); i++) {
                assertThat(value(view, i)).as("%s[%d]", name, i).isEqualTo(number(values.get(i)));
            }
        }
    }

    private static double number(Object value) {
        return value instanceof Boolean flag ? flag ? 1 : 0 : ((Number) value).doubleValue();
    }

    private static double value(TensorView view, int i) {
        MemorySegment data = view.data();
        return switch (view.dtype()) {
            case I64 -> data.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), i);
            case I32 -> data.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), i);
            case I16 -> data.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), i);
            case I8 -> data.get(ValueLayout.JAVA_BYTE, i);
            case U8, BOOL -> data.get(ValueLayout.JAVA_BYTE, i) & 0xff;
            case F64 -> data.getAtIndex(ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), i);
            default -> floatValue(view, i);
        };
    }

    private static double floatValue(TensorView view, int i) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(ValueLayout.JAVA_FLOAT);
            FloatConversion.toFloat(
                    view.dtype(), view.data().asSlice((long) i * view.dtype().bytes()), one, 1);
            return one.get(ValueLayout.JAVA_FLOAT, 0);
        }
    }
}
