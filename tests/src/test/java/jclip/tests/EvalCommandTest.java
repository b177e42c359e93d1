package jclip.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import jclip.checkpoint.DType;
import jclip.checkpoint.Layout;
import jclip.tools.JsonObject;
import jclip.tools.Main;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The forms of {@code eval} that scripts rely on, on shards of plain colours: a probe can tell them apart, formula weights name none. */
class EvalCommandTest {
    private static final int[] COLOURS = {0xd01010, 0x10d010, 0x1010d0};
    private static final int EACH = 12;

    @TempDir
    static Path folder;

    private static String model;
    private static String classes;

    @BeforeAll
    static void prepare() throws IOException {
        model = SmallCheckpoint.write(folder.resolve("model"), Layout.OPENCLIP, DType.F32)
                .toString();
        classes = Files.writeString(folder.resolve("names.txt"), "red\ngreen\nblue\n")
                .toString();
        shard("labels.tar", true, false);
        shard("captions.tar", false, false);
        shard("broken.tar", true, true);
    }

    private static void shard(String name, boolean labels, boolean broken) throws IOException {
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(Files.newOutputStream(folder.resolve(name)))) {
            for (int i = 0; i < EACH * COLOURS.length; i++) {
                String key = String.format("%04d", i);
                boolean bad = broken && i == 1;
                put(tar, key + ".png", bad ? "no picture".getBytes(StandardCharsets.UTF_8) : picture(i));
                String about = labels ? "" + i % COLOURS.length : "a thing\nnumber " + i;
                put(tar, key + (labels ? ".cls" : ".txt"), about.getBytes(StandardCharsets.UTF_8));
            }
        }
    }

    private static byte[] picture(int number) throws IOException {
        BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
        int noise = number * 2654435;
        for (int i = 0; i < 64 * 64; i++) {
            noise = noise * 1664525 + 1013904223;
            image.setRGB(i % 64, i / 64, COLOURS[number % COLOURS.length] ^ (noise >>> 3 & 0x0f0f0f));
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(image, "png", out);
        return out.toByteArray();
    }

    private static void put(TarArchiveOutputStream tar, String name, byte[] bytes) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setSize(bytes.length);
        tar.putArchiveEntry(entry);
        tar.write(bytes);
        tar.closeArchiveEntry();
    }

    private record Outcome(int code, String out, String err) {
        JsonObject object() {
            assertThat(out.lines()).as("one object: %s%s", out, err).hasSize(1);
            return JsonObject.parse(out);
        }
    }

    private static Outcome run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
        return new Outcome(code, out.toString(), err.toString());
    }

    private static String data(String name) {
        return folder.resolve(name).toString();
    }

    private static void checkFigure(JsonObject object, String name) {
        double value = object.number(name);
        List<?> interval = object.list(name + "_ci95");
        assertThat(value).isBetween(((Number) interval.get(0)).doubleValue(), ((Number) interval.get(1)).doubleValue());
        assertThat(((Number) interval.get(0)).doubleValue()).isBetween(0.0, 1.0);
    }

    @Test
    void zeroShot() {
        Outcome outcome =
                run("eval", "zeroshot", "--json", "--model", model, "--data", data("labels.tar"), "--classes", classes);
        assertThat(outcome.code).as(outcome.err).isZero();
        JsonObject object = outcome.object();
        for (JsonObject figures : List.of(object, object.object("bare"), object.object("single"))) {
            checkFigure(figures, "acc1");
            checkFigure(figures, "acc5");
            checkFigure(figures, "mean_per_class_recall");
            assertThat(figures.number("acc5")).isOne();
            assertThat(figures.number("chance")).isEqualTo(1.0 / 3);
            assertThat(figures.integer("n")).isEqualTo(36);
        }
        assertThat(run(
                                "eval",
                                "zeroshot",
                                "--json",
                                "--model",
                                model,
                                "--data",
                                data("labels.tar"),
                                "--classes",
                                classes)
                        .out)
                .isEqualTo(outcome.out);
    }

    @Test
    void brokenPicturesAreLeftOutAndNamed() {
        Outcome outcome =
                run("eval", "zeroshot", "--json", "--model", model, "--data", data("broken.tar"), "--classes", classes);
        assertThat(outcome.code).isOne();
        assertThat(outcome.object().integer("n")).isEqualTo(35);
        assertThat(outcome.object().object("dropped").integer("bad picture")).isOne();
        assertThat(outcome.err).contains("1 samples left out: bad picture");
    }

    @Test
    void retrieval() {
        Outcome outcome = run("eval", "retrieval", "--json", "--model", model, "--data", data("captions.tar"));
        assertThat(outcome.code).as(outcome.err).isZero();
        JsonObject object = outcome.object();
        double before = 0;
        for (int k : new int[] {1, 5, 10}) {
            checkFigure(object, "image_retrieval_recall@" + k);
            checkFigure(object, "text_retrieval_recall@" + k);
            assertThat(object.number("image_retrieval_recall@" + k)).isGreaterThanOrEqualTo(before);
            before = object.number("image_retrieval_recall@" + k);
        }
        assertThat(object.number("chance")).isEqualTo(1.0 / 36);
        assertThat(object.integer("n")).isEqualTo(36);
        assertThat(object.integer("captions")).isEqualTo(72);
    }

    @Test
    void probe() {
        Outcome outcome = run(
                "eval",
                "probe",
                "--json",
                "--model",
                model,
                "--train",
                data("labels.tar"),
                "--test",
                data("labels.tar"),
                "--classes",
                classes,
                "--shots",
                "1,2");
        assertThat(outcome.code).as(outcome.err).isZero();
        JsonObject object = outcome.object();
        checkFigure(object, "acc1");
        assertThat(object.number("acc1")).isGreaterThan(0.9);
        assertThat(object.number("best_c")).isBetween(0.9e-6, 1.1e6);
        assertThat(object.number("objective")).isPositive();
        assertThat(object.integer("n")).isEqualTo(36);
        assertThat(object.list("shots")).hasSize(2);
        JsonObject first = (JsonObject) object.list("shots").getFirst();
        assertThat(first.integer("k")).isOne();
        assertThat(first.number("acc1_mean")).isBetween(0.0, 1.0);
        assertThat(first.number("acc1_std")).isBetween(0.0, 1.0);
    }

    @Test
    void whatCannotBeJudgedIsSaid() throws IOException {
        String two =
                Files.writeString(folder.resolve("two.txt"), "red\ngreen\n").toString();
        Outcome few =
                run("eval", "zeroshot", "--json", "--model", model, "--data", data("labels.tar"), "--classes", two);
        assertThat(few.code).isOne();
        assertThat(few.err).contains("has label 2").contains("wanted 0 to 1");
        Outcome unlabelled =
                run("eval", "zeroshot", "--json", "--model", model, "--data", data("captions.tar"), "--classes", two);
        assertThat(unlabelled.code).isOne();
        assertThat(unlabelled.err).contains("has no label");
        assertThat(run("eval").code).isEqualTo(2);
        assertThat(run("eval", "retrieval", "--model", model).code).isEqualTo(2);
        assertThat(run(
                                "eval",
                                "probe",
                                "--model",
                                model,
                                "--train",
                                "a",
                                "--test",
                                "b",
                                "--classes",
                                two,
                                "--shots",
                                "0")
                        .code)
                .isEqualTo(2);
    }
}
