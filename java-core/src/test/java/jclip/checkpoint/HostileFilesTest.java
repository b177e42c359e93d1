package jclip.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import jclip.checkpoint.CheckpointException.Reason;
import jclip.checkpoint.TestFiles.PickleBytes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the readers refuse, on files that the test makes itself, so that it needs no fixtures. */
class HostileFilesTest {
    @TempDir
    Path folder;

    private static final String ENTRY = "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}";

    @Test
    void soundSafetensors() {
        try (Safetensors file = safetensors("{\"__metadata__\":{\"k\":\"v\"}," + ENTRY + "}  ", 16)) {
            assertThat(file.names()).containsExactly("a");
            assertThat(file.metadata()).containsEntry("k", "v");
            assertThat(file.tensor("a").shape()).containsExactly(2L, 2L);
            assertThatThrownBy(() -> file.tensor("b")).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,12]}}",
                "{\"a\":{\"dtype\":\"f32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2,-2],\"data_offsets\":[0,16]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[4,20]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4.0],\"data_offsets\":[0,16]}}",
                "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}",
                "{" + ENTRY + "," + ENTRY + "}",
                "{" + ENTRY + ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}",
                "{" + ENTRY + "}{}",
                "{" + ENTRY,
                "[1]",
                " {" + ENTRY + "}",
            })
    void unsoundSafetensors(String header) {
        assertReason(Reason.CORRUPT_FILE, () -> safetensors(header, 16));
    }

    @Test
    void headerLengthsAreCheckedBeforeAnythingIsAllocated() {
        for (long length : new long[] {-1, Long.MAX_VALUE, Integer.MAX_VALUE, 1L << 40, 0, 1}) {
            byte[] bytes = TestFiles.safetensors("{" + ENTRY + "}", 16);
            java.nio.ByteBuffer.wrap(bytes)
                    .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                    .putLong(0, length);
            assertReason(Reason.CORRUPT_FILE, () -> open(bytes, true));
        }
    }

    @Test
    void deepJsonIsNoStackOverflow() {
        assertReason(Reason.CORRUPT_FILE, () -> safetensors("{\"a\":{\"x\":" + "[".repeat(100_000) + "}}", 0));
    }

    @ParameterizedTest
    @CsvSource({
        "os, system",
        "posix, system",
        "builtins, eval",
        "torch.nn.modules.linear, Linear",
        "__torch__.a, B",
        "torch._utils, _rebuild_qtensor",
        "collections, deque"
    })
    void otherGlobalsAreRefusedByName(String module, String name) {
        byte[] file = archive(
                pickle().global(module, name)
                        .op('(')
                        .text("echo")
                        .op('t')
                        .op('R')
                        .op('.'),
                true);
        assertThatThrownBy(() -> open(file, false))
                .isInstanceOfSatisfying(
                        CheckpointException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNSAFE_PICKLE))
                .hasMessageContaining(module + "." + name);
        byte[] stackGlobal = archive(pickle().text(module).text(name).op(0x93).op('.'), true);
        assertReason(Reason.UNSAFE_PICKLE, () -> open(stackGlobal, false));
    }

    @ParameterizedTest
    @ValueSource(ints = {'i', 'o', 0x82, 0x83, 0x84, 0x92, 'P', 0xfe, 'S', 'I'})
    void opcodesThatTensorsDoNotNeedAreRefused(int opcode) {
        assertReason(
                Reason.UNSAFE_PICKLE, () -> open(archive(pickle().op(opcode).op('.'), true), false));
    }

    @Test
    void callsOfOtherThingsAreRefused() {
        assertReason(
                Reason.UNSAFE_PICKLE,
                () -> open(archive(pickle().text("x").op(')').op('R').op('.'), true), false));
        assertReason(
                Reason.UNSAFE_PICKLE,
                () -> open(archive(pickle().text("x").op('}').op('b').op('.'), true), false));
        assertReason(
                Reason.UNSAFE_PICKLE,
                () -> open(
                        archive(
                                pickle().global("collections", "OrderedDict")
                                        .op(')')
                                        .op(0x81)
                                        .op('.'),
                                true),
                        false));
        assertReason(
                Reason.UNSAFE_PICKLE,
                () -> open(archive(pickle().text("x").op('Q').op('.'), true), false));
    }

    @Test
    void tensorsMustLieInsideTheirStorage() {
        assertThat(open(archive(dict(4, 2, 2), true), false)).isEqualTo(1);
        assertReason(Reason.CORRUPT_FILE, () -> open(archive(dict(4, 2, 3), true), false));
        assertReason(Reason.CORRUPT_FILE, () -> open(archive(dict(5, 2, 2), true), false));
        assertReason(Reason.CORRUPT_FILE, () -> open(archive(dict(4, -2, -2), true), false));
        assertReason(Reason.CORRUPT_FILE, () -> open(archive(dict(4, 2, 2), false), false));
    }

    @Test
    void aSmallZipCannotBecomeLarge() {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("data.pkl", dict(16 << 20, 16 << 20).bytes());
        entries.put("data/0", new byte[64 << 20]);
        byte[] bomb = TestFiles.zip(entries, true);
        assertThat(bomb.length).isLessThan(200_000);
        assertReason(Reason.CORRUPT_FILE, () -> open(bomb, false));
    }

    @Test
    void aZipThatIsCutOffIsRefusedAtEveryLength() {
        byte[] whole = archive(dict(4, 2, 2), true);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> open(cut, false)).isInstanceOf(CheckpointException.class);
        }
    }

    @Test
    void stridedTensorsAreGathered() {
        try (TorchArchive file =
                TorchArchive.open(stored(archive(strided(new long[] {2, 3}, new long[] {1, 2}), true)))) {
            assertThat(file.tensor("t").data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
                    .containsExactly(0, 2, 4, 1, 3, 5);
        }
        try (TorchArchive file =
                TorchArchive.open(stored(archive(strided(new long[] {2, 2, 2}, new long[] {0, 3, 1}), true)))) {
            assertThat(file.tensor("t").data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
                    .containsExactly(0, 1, 3, 4, 0, 1, 3, 4);
        }
        assertReason(
                Reason.CORRUPT_FILE,
                () -> open(archive(strided(new long[] {1 << 15, 1 << 15}, new long[] {0, 0}), true), false));
    }

    @Test
    void zip64FieldsAreRead() {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("data.pkl", dict(4, 2, 2).bytes());
        entries.put("data/0", TestFiles.little(new float[] {1, 2, 3, 4}));
        byte[] zip = TestFiles.zip64(entries);
        try (TorchArchive file = TorchArchive.open(stored(zip))) {
            assertThat(file.tensor("t").data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
                    .containsExactly(1, 2, 3, 4);
        }
        for (int at = 0; at < zip.length; at++) {
            byte[] damaged = zip.clone();
            damaged[at] ^= (byte) 0xff;
            try {
                open(damaged, false);
            } catch (CheckpointException e) {
                assertThat(e.getMessage()).contains("file");
            }
        }
    }

    @Test
    void scriptModulesAreRecordsOfAttributes() {
        PickleBytes module = script("M").op('}').op('(').text("visual");
        module.raw(script("V"))
                .op('}')
                .op('(')
                .text("proj")
                .tensor(0, 4, new long[] {2, 2})
                .text("training")
                .op(0x88)
                .op('u')
                .op('b')
                .op('u')
                .op('b')
                .op('.');
        try (TorchArchive file = TorchArchive.open(stored(scriptArchive(module, true)))) {
            assertThat(file.names()).containsExactly("visual.proj");
        }
        assertReason(Reason.UNSAFE_PICKLE, () -> open(scriptArchive(module, false), false));
        PickleBytes recursive = script("M")
                .op('q')
                .op(0)
                .op('}')
                .op('(')
                .text("self")
                .op('h')
                .op(0)
                .op('u')
                .op('b')
                .op('.');
        assertReason(Reason.CORRUPT_FILE, () -> open(scriptArchive(recursive, true), false));
    }

    private static PickleBytes script(String name) {
        return pickle().global("__torch__.a", name).op(')').op(0x81);
    }

    private static byte[] scriptArchive(PickleBytes pickle, boolean script) {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("data.pkl", pickle.bytes());
        entries.put("data/0", TestFiles.little(new float[] {1, 2, 3, 4}));
        if (script) {
            entries.put("constants.pkl", new byte[] {'.'});
        }
        return TestFiles.zip(entries, false);
    }

    private static PickleBytes pickle() {
        return new PickleBytes().op(0x80).op(2);
    }

    private static PickleBytes dict(int elements, long... shape) {
        return pickle().op('}')
                .op('(')
                .text("t")
                .tensor(0, elements, shape)
                .op('u')
                .op('.');
    }

    private static PickleBytes strided(long[] shape, long[] strides) {
        PickleBytes pickle = pickle().op('}')
                .op('(')
                .text("t")
                .global("torch._utils", "_rebuild_tensor_v2")
                .op('(')
                .op('(')
                .text("storage")
                .global("torch", "FloatStorage")
                .text("0")
                .text("cpu")
                .number(6)
                .op('t')
                .op('Q')
                .number(0);
        for (long[] tuple : new long[][] {shape, strides}) {
            pickle.op('(');
            for (long value : tuple) {
                pickle.number(value);
            }
            pickle.op('t');
        }
        return pickle.op('t').op('R').op('u').op('.');
    }

    /** A zip of a pickle and, if wanted, of the storage that it names. */
    private static byte[] archive(PickleBytes pickle, boolean storage) {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        byte[] bytes = pickle.bytes();
        entries.put("data.pkl", bytes);
        if (storage) {
            boolean six = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1).contains("cpuJ\u0006");
            entries.put("data/0", TestFiles.little(six ? new float[] {0, 1, 2, 3, 4, 5} : new float[] {1, 2, 3, 4}));
        }
        return TestFiles.zip(entries, false);
    }

    private Safetensors safetensors(String header, int dataBytes) {
        return Safetensors.open(stored(TestFiles.safetensors(header, dataBytes)));
    }

    private Path stored(byte[] bytes) {
        Path file = folder.resolve("file");
        TestFiles.write(file, bytes);
        return file;
    }

    private int open(byte[] bytes, boolean safetensors) {
        try (TensorFile file = safetensors ? Safetensors.open(stored(bytes)) : TorchArchive.open(stored(bytes))) {
            return file.names().size();
        }
    }

    private static void assertReason(Reason reason, Runnable action) {
        assertThatThrownBy(action::run).isInstanceOfSatisfying(CheckpointException.class, e -> assertThat(e.reason())
                .isEqualTo(reason));
    }
}
