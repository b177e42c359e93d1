package jclip.tools.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/** Reports are whole, need nothing from outside, and show what they were given. */
class ReportTest {
    @TempDir
    private Path folder;

    private static Document xml(String part) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader("<x>" + part.replace("&#9472;", "-") + "</x>")));
    }

    @Test
    void everythingIsInsideAndEscaped() throws Exception {
        Picture picture = Picture.of(new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB), "a <red> \"dot\"");
        Curve curve = new Curve("Loss & more", "step", List.of(line("a<b", 1, 2, Double.NaN, 3)));
        Report report = new Report(
                "Run <1>",
                "It's over.",
                List.of(
                        curve,
                        Table.of("Settings", Map.of("lr", 0.1)),
                        new Figures("Figures", List.of(new Figures.Figure("acc1", 0.5, 0.4, 0.6, 0.1))),
                        new PictureGrid("Pictures", List.of(picture)),
                        new Search(
                                "Search", List.of(new Search.Query("red", List.of(new Search.Hit(picture, true)))))));
        Path file = folder.resolve("report.html");
        report.write(file);
        String html = Files.readString(file);
        assertThat(html).doesNotContain("<script", "http:", "https:", "<red>", "Run <1>", "NaN");
        assertThat(html).contains("data:image/png;base64,iVBOR", "0.4000 to 0.6000", "class=\"right\"");
        for (Section section : report.sections()) {
            xml(section.html().replaceAll("(<img [^>]*)>", "$1/>"));
        }
        assertThat(Files.list(folder)).containsExactly(file);
    }

    private static Line line(String name, double... y) {
        return new Line(name, IntStream.range(0, y.length).asDoubleStream().toArray(), y, false);
    }

    @Test
    void aValueThatIsNotFiniteLeavesAGap() {
        String html = new Curve("t", "step", List.of(line("a", 1, 2, Double.POSITIVE_INFINITY, 3, 4))).html();
        assertThat(html.split(" d=\"")[1].split("\"")[0].chars().filter(c -> c == 'M'))
                .hasSize(2);
    }

    @Test
    void aHundredThousandStepsStaySmallAndKeepTheirSpike() {
        double[] y = new double[100_000];
        y[54_321] = 9;
        Line thin = line("a", y).thinned(600);
        assertThat(thin.size()).isLessThanOrEqualTo(2400);
        assertThat(thin.y()).contains(9);
        assertThat(thin.x()).isSorted().contains(0, 99_999);
        assertThat(new Curve("t", "step", List.of(line("a", y))).html().length())
                .isLessThan(60_000);
    }

    @Test
    void ticksAreRound() {
        assertThat(Axis.step(0.7)).isEqualTo(1);
        assertThat(Axis.step(11)).isEqualTo(20);
        assertThat(Axis.step(0.03)).isEqualTo(0.05, within(1e-15));
        Axis axis = Axis.over(List.of(new double[] {0.13, 4.9}), 6);
        assertThat(axis.ticks().stream().map(axis::label)).containsExactly("0", "1", "2", "3", "4", "5");
        Axis rates = Axis.over(List.of(new double[] {0, 5e-4}), 5);
        assertThat(rates.ticks().stream().map(rates::label))
                .containsExactly("0", "0.0001", "0.0002", "0.0003", "0.0004", "0.0005");
        assertThat(Axis.over(List.of(new double[] {3, 3}), 6).share(3)).isEqualTo(0.5, within(0.1));
        assertThat(Axis.over(List.of(new double[] {}), 6).ticks()).isNotEmpty();
    }

    @Test
    void aRunsLogGivesItsCurves() throws IOException {
        Path log = folder.resolve("log.jsonl");
        List<String> lines = new ArrayList<>();
        for (int step = 10; step <= 50; step += 10) {
            String loss = step == 30 ? "null" : String.valueOf(4.0 / step);
            lines.add("{\"step\":" + step + ",\"loss\":" + loss
                    + ",\"ln_batch\":4.1,\"logit_scale\":2.6,\"gradient_norm\":1.5,\"learning_rate\":1e-4,"
                    + "\"pairs_per_second\":9}");
        }
        lines.add("{\"step\":50,\"validation_loss\":1.0}");
        Files.write(log, lines);
        List<Curve> curves = RunCurves.of(log);
        assertThat(curves.stream().map(Curve::title))
                .containsExactly("Loss", "Logit scale", "Learning rate", "Gradient norm", "Pace");
        assertThat(curves.get(0).lines().stream().map(Line::size)).containsExactly(5, 5, 1);
        assertThat(curves.get(0).lines().get(0).y(2)).isNaN();
        assertThat(curves.get(1).lines().get(0).y(0)).isEqualTo(Math.exp(2.6));
    }
}
