package jclip.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import jclip.checkpoint.Checkpoint;
import jclip.tools.Main;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code jclip train}: the same bytes whatever happens, and what a run leaves behind. */
class TrainCommandTest {
    private static final int STEPS = 12;

    @TempDir
    static Path folder;

    private static final Pattern LOSS = Pattern.compile("\"step\":(\\d+),\"loss\":([^,]+),");

    private static Path data;
    private static Path vit;
    private static Path resNet;

    @BeforeAll
    static void prepare() throws IOException {
        Files.createDirectories(folder.resolve("pictures"));
        List<String> lines = new ArrayList<>(List.of("filepath\ttitle"));
        Color[] colours = {Color.RED, Color.GREEN, Color.BLUE, Color.WHITE};
        for (int i = 0; i < 24; i++) {
            BufferedImage image = new BufferedImage(20, 18, BufferedImage.TYPE_INT_RGB);
            Graphics2D graphics = image.createGraphics();
            graphics.setColor(colours[i % 4]);
            graphics.fillRect(i % 5, i % 7, 6 + i % 6, 8);
            graphics.dispose();
            Path file = folder.resolve("pictures/" + i + ".png");
            ImageIO.write(image, "png", file.toFile());
            lines.add(file + "\ta picture of colour " + i % 4 + " and number " + i);
        }
        data = Files.write(folder.resolve("pairs.tsv"), lines);
        String text = "\"text_cfg\":{\"context_length\":16,\"vocab_size\":49408,\"width\":16,\"heads\":2,\"layers\":1}";
        vit = Files.writeString(
                folder.resolve("vit.json"),
                "{\"embed_dim\":8,\"vision_cfg\":{\"image_size\":16,\"layers\":2,\"width\":16,\"head_width\":8,"
                        + "\"patch_size\":8}," + text + "}");
        resNet = Files.writeString(
                folder.resolve("rn.json"),
                "{\"embed_dim\":8,\"vision_cfg\":{\"image_size\":32,\"layers\":[1,1,1,1],\"width\":4,\"head_width\":32},"
                        + text + "}");
    }

    private static List<String> arguments(Path output, String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "train",
                "--json",
                "--output",
                output.toString(),
                "--train-data",
                data.toString(),
                "--steps",
                String.valueOf(STEPS),
                "--batch-size",
                "8",
                "--lr",
                "0.01",
                "--warmup",
                "3",
                "--log-every",
                "1",
                "--checkpoint-every",
                "2",
                "--grad-clip-norm",
                "1",
                "--seed",
                "5"));
        arguments.addAll(List.of(more));
        return arguments;
    }

    private record Outcome(int code, String out, String err) {}

    private static Outcome train(List<String> arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments.toArray(String[]::new));
        return new Outcome(code, out.toString(), err.toString());
    }

    private static Path trained(String name, String... more) {
        Path output = folder.resolve(name);
        Outcome outcome = train(arguments(output, more));
        assertThat(outcome.code()).as(outcome.err()).isZero();
        return output;
    }

    /** The loss of every step: the part of the log that must not differ. */
    private static List<String> losses(Path run) throws IOException {
        return Files.readAllLines(run.resolve("log.jsonl")).stream()
                .map(LOSS::matcher)
                .filter(java.util.regex.Matcher::find)
                .map(match -> match.group(1) + " " + match.group(2))
                .toList();
    }

    private static byte[] weights(Path run) throws IOException {
        return Files.readAllBytes(run.resolve("final/open_clip_model.safetensors"));
    }

    /** Parameters, moments, average and statistics behind the header, which holds nothing but their sizes and sums. */
    private static byte[] state(Path run) throws IOException {
        return Files.readAllBytes(run.resolve("snapshots/step-0000000" + STEPS + ".snapshot"));
    }

    private static void assertSame(Path run, Path other) throws IOException {
        assertThat(losses(run)).hasSize(STEPS).isEqualTo(losses(other));
        assertThat(weights(run)).isEqualTo(weights(other));
        assertThat(state(run)).isEqualTo(state(other));
    }

    @Test
    void theSameBytesWhateverTheThreads() throws IOException {
        Path one = trained("threads1", "--model-config", vit.toString(), "--threads", "1", "--ema-decay", "0.9");
        Path three = trained(
                "threads3", "--model-config", vit.toString(), "--threads", "3", "--ema-decay", "0.9", "--workers", "2");
        assertSame(one, three);
        Path other = trained("seed", "--model-config", vit.toString(), "--ema-decay", "0.9", "--seed", "6");
        assertThat(weights(other)).isNotEqualTo(weights(one));
    }

    /** Recomputed activations are the same numbers. */
    @Test
    void recomputedActivationsGiveTheSameBytes() throws IOException {
        Path kept = trained("kept", "--model-config", vit.toString());
        Path again = trained("again", "--model-config", vit.toString(), "--recompute");
        assertThat(weights(again)).isEqualTo(weights(kept));
    }

    /** Killed at lines of output that differ, resumed, and in the end as if nothing had happened. */
    @ParameterizedTest
    @ValueSource(strings = {"vit", "rn"})
    void killedAndResumed(String kind) throws Exception {
        String model = (kind.equals("vit") ? vit : resNet).toString();
        Path whole =
                trained("whole-" + kind, "--model-config", model, "--patch-dropout", kind.equals("vit") ? "0.3" : "0");
        Path run = folder.resolve("killed-" + kind);
        String[] more = {"--model-config", model, "--patch-dropout", kind.equals("vit") ? "0.3" : "0"};
        kill(arguments(run, more), 1);
        for (int lines : new int[] {2, 3, 5}) {
            kill(with(arguments(run, more), "--resume"), lines);
        }
        Outcome last = train(with(arguments(run, more), "--resume"));
        assertThat(last.code()).as(last.err()).isZero();
        assertSame(whole, run);
    }

    private static List<String> with(List<String> arguments, String more) {
        return Stream.concat(arguments.stream(), Stream.of(more)).toList();
    }

    /** Starts a process and kills it (SIGKILL) as soon as it has printed so many lines. */
    private static void kill(List<String> arguments, int lines) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "jclip.tools.Main"));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .redirectError(folder.resolve("killed.err").toFile())
                .start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (int i = 0; i < lines; i++) {
                assertThat(out.readLine())
                        .as(Files.readString(folder.resolve("killed.err")))
                        .isNotNull();
            }
            process.destroyForcibly();
            process.onExit().join();
        }
    }

    /** Gradient caching: a batch in chunks is the batch, up to rounding. */
    @Test
    void chunksGiveTheBatchsLosses() throws IOException {
        List<String> whole = losses(trained("batch", "--model-config", vit.toString()));
        List<String> chunks = losses(trained("chunks", "--model-config", vit.toString(), "--chunk-size", "2"));
        assertThat(chunks).hasSameSizeAs(whole);
        for (int i = 0; i < whole.size(); i++) {
            double expected = Double.parseDouble(whole.get(i).split(" ")[1]);
            assertThat(Double.parseDouble(chunks.get(i).split(" ")[1]))
                    .isCloseTo(expected, org.assertj.core.api.Assertions.within(2e-3));
        }
    }

    @Test
    void whatARunLeaves() throws IOException {
        Path run = trained("leaves", "--model-config", vit.toString(), "--val-data", data.toString());
        assertThat(run.resolve("config.json")).isRegularFile();
        assertThat(run.resolve("report.html")).content().contains("<svg").doesNotContain("http-equiv");
        assertThat(run.resolve("tensorboard")).isNotEmptyDirectory();
        try (Checkpoint model = Checkpoint.open(run.resolve("final"))) {
            assertThat(model.architecture().embedDim()).isEqualTo(8);
        }
        Path tuned = trained("tuned", "--init", run.resolve("final").toString(), "--freeze-image", "--loss", "siglip");
        try (Checkpoint before = Checkpoint.open(run.resolve("final"));
                Checkpoint after = Checkpoint.open(tuned.resolve("final"))) {
            assertThat(values(after, "visual.proj")).isEqualTo(values(before, "visual.proj"));
            assertThat(values(after, "text_projection")).isNotEqualTo(values(before, "text_projection"));
        }
    }

    private static byte[] values(Checkpoint checkpoint, String name) {
        long elements = 1;
        for (long size : checkpoint.shape(name)) {
            elements *= size;
        }
        try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
            var memory = arena.allocate(elements * Float.BYTES);
            checkpoint.read(name, memory);
            return memory.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        }
    }

    @Test
    void wrongSettings() {
        Path output = folder.resolve("wrong");
        assertThat(train(arguments(output)).code()).isEqualTo(2);
        Outcome schedule = train(arguments(output, "--model-config", vit.toString(), "--schedule", "linear"));
        assertThat(schedule.code()).isEqualTo(2);
        assertThat(schedule.err()).contains("schedule is linear");
        Outcome missing = train(
                arguments(output, "--model-config", folder.resolve("none.json").toString()));
        assertThat(missing.code()).isEqualTo(1);
        assertThat(missing.err()).contains("none.json");
    }

    @Test
    void aRunIsNotOverwrittenAndNotMixed() {
        Path run = trained("once", "--model-config", vit.toString());
        Outcome again = train(arguments(run, "--model-config", vit.toString()));
        assertThat(again.code()).isEqualTo(1);
        assertThat(again.err()).contains("holds a run already");
        Outcome other = train(arguments(run, "--model-config", vit.toString(), "--resume", "--beta2", "0.9"));
        assertThat(other.code()).isEqualTo(1);
        assertThat(other.err()).contains("beta2");
    }
}
