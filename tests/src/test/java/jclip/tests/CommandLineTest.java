package jclip.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import jclip.checkpoint.DType;
import jclip.checkpoint.Layout;
import jclip.tools.Main;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command forms that scripts rely on. */
class CommandLineTest {
    @TempDir
    static Path folder;

    private static String model;
    private static String picture;
    private static String broken;

    @BeforeAll
    static void prepare() throws IOException {
        model = SmallCheckpoint.write(folder.resolve("model"), Layout.OPENCLIP, DType.F32)
                .toString();
        BufferedImage image = new BufferedImage(100, 70, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 7000; i++) {
            image.setRGB(i % 100, i / 100, i * 2654435);
        }
        picture = folder.resolve("p.png").toString();
        ImageIO.write(image, "png", Path.of(picture).toFile());
        broken = Files.writeString(folder.resolve("broken.jpg"), "no picture").toString();
    }

    private record Outcome(int code, String out, String err) {
        List<Map<String, Object>> objects() throws IOException {
            List<Map<String, Object>> all = new ArrayList<>();
            for (String line : out.lines().toList()) {
                all.add(object(line));
            }
            return all;
        }
    }

    private static Outcome run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
        return new Outcome(code, out.toString(), err.toString());
    }

    private static Map<String, Object> object(String line) throws IOException {
        try (JsonParser parser = new JsonFactory().createParser(line)) {
            parser.nextToken();
            Object value = value(parser);
            assertThat(parser.nextToken()).as("one object a line: %s", line).isNull();
            @SuppressWarnings("unchecked")
            Map<String, Object> map = (Map<String, Object>) value;
            return map;
        }
    }

    private static Object value(JsonParser parser) throws IOException {
        if (parser.currentToken() == JsonToken.START_OBJECT) {
            Map<String, Object> map = new LinkedHashMap<>();
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                parser.nextToken();
                map.put(name, value(parser));
            }
            return map;
        }
        if (parser.currentToken() == JsonToken.START_ARRAY) {
            List<Object> list = new ArrayList<>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                list.add(value(parser));
            }
            return list;
        }
        return parser.currentToken().isNumeric() ? (Object) parser.getDoubleValue() : parser.getValueAsString();
    }

    @Test
    void embed() throws IOException {
        Outcome outcome = run("embed", "--model", model, "--json", picture, picture);
        assertThat(outcome.code).as(outcome.err).isZero();
        List<Map<String, Object>> rows = outcome.objects();
        assertThat(rows).hasSize(2);
        assertThat(rows.get(0)).containsEntry("input", picture);
        List<?> vector = (List<?>) rows.get(0).get("embedding");
        assertThat(vector).hasSize(SmallCheckpoint.EMBED).isEqualTo(rows.get(1).get("embedding"));
        assertThat(vector.stream().mapToDouble(v -> Math.pow((double) v, 2)).sum())
                .isCloseTo(1, within(1e-5));
    }

    @Test
    void aBadPictureDoesNotStopTheOthers() throws IOException {
        Path npy = folder.resolve("none.npy");
        Outcome outcome =
                run("embed", "--model", model, "--json", "--output", npy.toString(), picture, broken, picture);
        assertThat(outcome.code).isEqualTo(1);
        List<Map<String, Object>> rows = outcome.objects();
        assertThat(rows).hasSize(3);
        assertThat(rows.get(0)).containsKey("embedding");
        assertThat(rows.get(1))
                .containsEntry("input", broken)
                .containsKey("error")
                .doesNotContainKey("embedding");
        assertThat(rows.get(2)).containsKey("embedding");
        assertThat(npy).doesNotExist();
    }

    @Test
    void embedTextsIntoAFile() throws IOException {
        Path npy = folder.resolve("texts.npy");
        Outcome outcome = run(
                "embed",
                "--model",
                model,
                "--raw",
                "--json",
                "--output",
                npy.toString(),
                "--text",
                "a cat",
                "--text",
                "a dog");
        assertThat(outcome.code).as(outcome.err).isZero();
        assertThat(outcome.objects()).hasSize(2);
        byte[] bytes = Files.readAllBytes(npy);
        assertThat(new String(bytes, 1, 5)).isEqualTo("NUMPY");
        assertThat(new String(bytes, 10, 70)).contains("'<f4'").contains("(2, 32)");
    }

    @Test
    void classify() throws IOException {
        Outcome outcome = run("classify", "--model", model, "--labels", "cat,dog,house", "--json", picture);
        assertThat(outcome.code).as(outcome.err).isZero();
        Map<?, ?> probabilities = (Map<?, ?>) outcome.objects().getFirst().get("probabilities");
        assertThat(probabilities.keySet()).hasToString("[cat, dog, house]");
        assertThat(probabilities.values().stream().mapToDouble(v -> (double) v).sum())
                .isCloseTo(1, within(1e-9));
        assertThat(run("classify", "--model", model, "--labels", "cat,cat", picture).code)
                .isEqualTo(2);
    }

    @Test
    void similarity() throws IOException {
        Outcome outcome = run("similarity", "--model", model, "--json", "--text", "a", "--text", "b", picture);
        assertThat(outcome.code).as(outcome.err).isZero();
        assertThat(outcome.objects()).hasSize(2).allSatisfy(row -> assertThat(row)
                .containsKeys("input", "text", "cosine"));
    }

    @Test
    void info() throws IOException {
        Outcome outcome = run("info", "--model", model, "--json");
        assertThat(outcome.code).as(outcome.err).isZero();
        assertThat(outcome.objects().getFirst())
                .containsKeys(
                        "architecture", "parameters", "flops_image", "flops_text", "plan_bytes", "layout", "precision");
        assertThat(outcome.objects().getFirst().get("parameters"))
                .isEqualTo((double) SmallCheckpoint.architecture().parameters());
    }

    @Test
    void convertThereAndBackIsBitExact() throws IOException {
        Path there = folder.resolve("there");
        Path back = folder.resolve("back");
        assertThat(run("convert", model, there.toString(), "--layout", "huggingface").code)
                .isZero();
        assertThat(run("convert", there.toString(), back.toString(), "--layout", "openclip").code)
                .isZero();
        Path weights = Path.of(model, "open_clip_model.safetensors");
        assertThat(back.resolve("open_clip_model.safetensors")).hasSameBinaryContentAs(weights);
        assertThat(run("embed", "--model", back.toString(), "--json", picture).out)
                .isEqualTo(run("embed", "--model", model, "--json", picture).out);
    }

    @Test
    void preprocess() throws IOException {
        Path npy = folder.resolve("pixels.npy");
        assertThat(run("preprocess", "--size", "32x48", picture, "--output", npy.toString()).code)
                .isZero();
        byte[] bytes = Files.readAllBytes(npy);
        assertThat(new String(bytes, 10, 70)).contains("'|u1'").contains("(32, 48, 3)");
        assertThat(bytes.length % 64).isEqualTo(32 * 48 * 3 % 64);
    }

    @Test
    void wrongUsageIsTwo() {
        for (String[] arguments : new String[][] {
            {},
            {"nonsense"},
            {"embed"},
            {"embed", "--model", model},
            {"classify", "--model", model, picture},
            {"convert", model, "x", "--layout", "nonsense"},
            {"preprocess", "--size", "0", picture, "--output", "x.npy"},
        }) {
            Outcome outcome = run(arguments);
            assertThat(outcome.code)
                    .as("%s: %s", List.of(arguments), outcome.err)
                    .isEqualTo(2);
            assertThat(outcome.err).isNotBlank();
            assertThat(outcome.out).isEmpty();
        }
    }

    @Test
    void whatThisBuildCannotDoIsRefusedInALine() {
        for (String[] option :
                new String[][] {{"--device", "cuda"}, {"--precision", "bf16"}, {"--precision", "int8"}}) {
            Outcome outcome = run("embed", "--model", model, option[0], option[1], picture);
            assertThat(outcome.code).isNotZero();
            assertThat(outcome.err.strip().lines().count()).isLessThanOrEqualTo(2);
            assertThat(outcome.out).isEmpty();
        }
    }

    @Test
    void aMissingModelIsOne() {
        Outcome outcome = run("embed", "--model", folder.resolve("nothing").toString(), picture);
        assertThat(outcome.code).isEqualTo(1);
        assertThat(outcome.err).contains("nothing").doesNotContain("\tat ");
    }

    @Test
    void everyCommandExplainsItselfWithAnExample() {
        for (String command : List.of(
                "embed",
                "classify",
                "similarity",
                "tokenize",
                "preprocess",
                "info",
                "doctor",
                "convert",
                "bench",
                "op",
                "data",
                "demo")) {
            Outcome outcome = run(command, "--help");
            assertThat(outcome.code).as(command).isZero();
            assertThat(outcome.out + outcome.err)
                    .as(command)
                    .contains("Example")
                    .contains("jclip " + command);
        }
    }

    @Test
    void doctor() throws IOException {
        Outcome outcome = run("doctor", "--json");
        assertThat(outcome.code).as(outcome.out + outcome.err).isZero();
        assertThat(outcome.objects()).hasSize(1);
        assertThat(run("doctor", "--json", "--fixtures", folder.resolve("model").toString()).code)
                .isEqualTo(1);
    }

    @Test
    void demo() throws IOException {
        Path first = folder.resolve("demo-1");
        Outcome outcome = run("demo", "--json", "--steps", "3", "--output", first.toString());
        assertThat(outcome.code).as(outcome.err).isZero();
        assertThat(outcome.objects()).hasSize(1);
        Map<String, Object> line = outcome.objects().getFirst();
        assertThat(line).containsKeys("acc1_unseen", "chance", "retrieval_recall@1", "seconds", "report");
        assertThat(number(line, "chance")).isEqualTo(1.0 / 32);
        assertThat(number(line, "acc1_unseen")).isBetween(0.0, 1.0);
        String report = Files.readString(Path.of(String.valueOf(line.get("report"))));
        assertThat(report).contains("<svg", "data:image/png", "95 % interval").doesNotContain("<script", "=\"http");

        Path second = folder.resolve("demo-2");
        Outcome spoken = run("demo", "--steps", "3", "--output", second.toString());
        assertThat(spoken.code).as(spoken.err).isZero();
        Map<String, Object> last = object(spoken.out.lines().toList().getLast());
        assertThat(last.get("acc1_unseen")).isEqualTo(line.get("acc1_unseen"));
        assertThat(weights(second)).as("two runs of one seed").isEqualTo(weights(first));
        Path third = folder.resolve("demo-3");
        assertThat(run("demo", "--json", "--steps", "3", "--seed", "2", "--output", third.toString()).code)
                .isZero();
        assertThat(weights(third)).as("another seed").isNotEqualTo(weights(first));

        assertThat(run("demo", "--steps", "0").code).isEqualTo(2);
        assertThat(run("demo", "--steps", "3", "--output", first.toString()).code)
                .as("a folder that holds a run")
                .isEqualTo(2);
    }

    private static double number(Map<String, Object> line, String key) {
        return Double.parseDouble(String.valueOf(line.get(key)));
    }

    private static byte[] weights(Path run) throws IOException {
        try (var files = Files.list(run.resolve("final"))) {
            Path weights = files.filter(file -> file.toString().endsWith(".safetensors"))
                    .findFirst()
                    .orElseThrow();
            return Files.readAllBytes(weights);
        }
    }

    @Test
    void op() throws IOException {
        Outcome outcome = run(
                "op",
                "gemm isa=avx512 a=f32:1632 packed=gemm_pack:144x48 bias=f32:144 residual=- y=f32:4896 live=- rows=34"
                        + " n=144 k=48 lda=48 ld_residual=0 ldy=144 activation=0 precision=0 # 16.9 us");
        if (jclip.backend.Library.cpu().bestIsa() == jclip.backend.Isa.AVX512) {
            assertThat(outcome.code).as(outcome.err).isZero();
            assertThat(outcome.objects().getFirst()).containsKeys("error", "pass", "seconds", "share_of_ceiling");
            assertThat(outcome.objects().getFirst().get("pass")).isEqualTo("true");
        }
        assertThat(run("op", "no_such_operator isa=ref").code).isNotZero();
    }
}
