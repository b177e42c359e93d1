package jclip.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import jclip.text.Tokenizer;
import jclip.tools.Main;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code data check}, {@code data pack} and {@code data vocab}. */
class DataCommandTest {
    @TempDir
    static Path folder;

    private static String table;

    @BeforeAll
    static void prepare() throws IOException {
        StringBuilder rows = new StringBuilder("filepath,title\n");
        for (int i = 0; i < 6; i++) {
            BufferedImage image = new BufferedImage(30, 20, BufferedImage.TYPE_INT_RGB);
            for (int k = 0; k < 600; k++) {
                image.setRGB(k % 30, k / 30, (k + i * 77) * 2654435);
            }
            ImageIO.write(image, "png", folder.resolve(i + ".png").toFile());
            rows.append(i)
                    .append(".png,a photograph of thing number ")
                    .append(i)
                    .append('\n');
        }
        table = Files.writeString(folder.resolve("t.csv"), rows).toString();
    }

    private record Outcome(int code, String out, String err) {}

    private static Outcome run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
        return new Outcome(code, out.toString(), err.toString());
    }

    @Test
    void packThenCheckThenLearn() {
        String shards = folder.resolve("shards").toString();
        Outcome packed = run("data", "pack", "--json", table, shards, "--samples", "4");
        assertThat(packed.code).as(packed.err).isZero();
        assertThat(packed.out).contains("\"shards\":2").contains("\"samples\":6");
        Outcome checked = run("data", "check", "--json", shards);
        assertThat(checked.code).as(checked.err).isZero();
        assertThat(checked.out)
                .contains("\"samples\":6")
                .contains("\"count\":6")
                .contains("\"png\":6");
        assertThat(checked.out.lines()).hasSize(1);
        Outcome plain = run("data", "check", shards);
        assertThat(plain.code).isZero();
        assertThat(plain.out).contains("near duplicates").contains("6 different");
        Path vocab = folder.resolve("bpe_small.txt.gz");
        Outcome learned = run("data", "vocab", "--json", "--size", "530", shards, "--output", vocab.toString());
        assertThat(learned.code).as(learned.err).isZero();
        assertThat(learned.out).contains("\"size\":530").contains("\"captions\":6");
        assertThat(Tokenizer.open(vocab).vocabularySize()).isEqualTo(530);
    }

    @Test
    void brokenSamplesAreReportedAndTheRestPacked() throws IOException {
        Path broken = folder.resolve("broken.csv");
        Files.writeString(broken, "filepath,title\n0.png,good\nmissing.png,bad\n");
        Outcome packed = run(
                "data",
                "pack",
                "--json",
                broken.toString(),
                folder.resolve("part").toString());
        assertThat(packed.code).isEqualTo(1);
        assertThat(packed.out).contains("\"samples\":1").contains("\"unreadable\":1");
        Path barren = Files.write(folder.resolve("barren.tar"), new byte[1024]);
        Outcome checked = run("data", "check", "--json", barren.toString());
        assertThat(checked.code).isEqualTo(1);
        assertThat(checked.out).contains("\"samples\":0");
        assertThat(run("data", "check", folder.resolve("none").toString()).code).isEqualTo(1);
    }

    @Test
    void wrongUsageIsTwo() {
        for (String[] arguments : new String[][] {
            {"data"},
            {"data", "check"},
            {"data", "pack", table},
            {"data", "vocab", table, "--output", "x"},
            {
                "data",
                "vocab",
                "--size",
                "10",
                table,
                "--output",
                folder.resolve("x").toString()
            },
        }) {
            assertThat(run(arguments).code).as("%s", List.of(arguments)).isEqualTo(2);
        }
        for (String command : List.of("check", "pack", "vocab")) {
            Outcome help = run("data", command, "--help");
            assertThat(help.code).isZero();
            assertThat(help.out + help.err).contains("Example: jclip data " + command);
        }
    }
}
