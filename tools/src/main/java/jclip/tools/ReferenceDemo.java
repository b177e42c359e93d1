package jclip.tools;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import jclip.Clip;
import jclip.ZeroShotClassifier;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Layout;
import jclip.image.Picture;

/** A picture made here through a small and a full-size model, every number beside the reference's. */
final class ReferenceDemo {
    private static final double LIMIT = 2e-5;
    private static final String CONFIG = "tiny-vit.json";

    private final PrintWriter out;
    private final boolean json;
    private final List<Object> models = new ArrayList<>();
    private boolean pass = true;

    ReferenceDemo(PrintWriter out, boolean json) {
        this.out = out;
        this.json = json;
    }

    /** Whether all numbers are the reference's. */
    boolean run() throws IOException {
        JsonObject reference = Resources.json("reference.json").object("demo");
        Picture picture = Picture.of(Scene.draw());
        long start = System.nanoTime();
        say(
                "A picture of %d x %d pixels, drawn by code: a house on a hill. The weights are made by a formula, so"
                        + " the answers mean",
                Scene.WIDTH, Scene.HEIGHT);
        say("nothing, but every number is exactly defined: beside each stands the reference's (open_clip in double"
                + " precision).");
        Path folder = Files.createTempDirectory("jclip-demo");
        try {
            say("%n1. A small model, written as a checkpoint (safetensors, open_clip's layout) and loaded again", "");
            try (Checkpoint small = Resources.formula(CONFIG)) {
                small.write(folder.resolve("small"), Layout.OPENCLIP);
            }
            show("tiny-vit", folder.resolve("small"), picture, reference);
        } finally {
            delete(folder);
        }
        say("%n2. ViT-B/32 at full size, 151 million parameters", "");
        show("ViT-B-32", Path.of("formula:ViT-B-32"), picture, reference);
        double seconds = (System.nanoTime() - start) / 1e9;
        finish(seconds);
        return pass;
    }

    private void finish(double seconds) {
        say(
                "%n%s, in %.1f s",
                pass ? "All numbers are the reference's to " + LIMIT : "SOME NUMBERS DIFFER from the reference's",
                seconds);
        if (json) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("models", models);
            line.put("pass", pass);
            line.put("seconds", seconds);
            out.println(JsonLine.of(line));
            out.flush();
        }
    }

    private void say(String format, Object... values) {
        if (!json) {
            out.println(String.format(Locale.ROOT, format, values));
            out.flush();
        }
    }

    private void show(String name, Path model, Picture picture, JsonObject reference) {
        JsonObject wanted = reference.object(name);
        long start = System.nanoTime();
        try (Clip clip = Clip.load(model)) {
            double loaded = (System.nanoTime() - start) / 1e9;
            boolean samePixels = sha256(clip.preprocessor().toRgb(picture)).equals(wanted.string("sha256"));
            float[] image = clip.encodePicture(picture);
            List<String> labels = reference.strings("labels");
            List<String> templates = reference.strings("templates");
            double[] probabilities =
                    ZeroShotClassifier.of(clip, labels, templates).probabilities(new float[][] {image})[0];
            double seconds = (System.nanoTime() - start) / 1e9;
            say(
                    "   loaded in %.2f s, picture and %d texts embedded in %.2f s; resized picture: %s%n",
                    loaded,
                    labels.size() * templates.size(),
                    seconds - loaded,
                    samePixels ? "the reference's bytes" : "OTHER BYTES than the reference's");
            pass &= samePixels;
            Table table = new Table("lrrr", "", "jclip", "reference", "difference");
            Map<String, Object> numbers = new LinkedHashMap<>();
            numbers.put("model", name);
            numbers.put("picture", samePixels);
            numbers.put("embedding", row(table, "image embedding", image, wanted.list("embedding")));
            numbers.put(
                    "text",
                    row(
                            table,
                            "text '" + reference.string("text") + "'",
                            clip.encodeText(reference.string("text")),
                            wanted.list("text")));
            numbers.put("probabilities", probabilities(table, labels, probabilities, wanted.list("probabilities")));
            models.add(numbers);
            say("%s", table.toString().indent(3).stripTrailing());
        }
    }

    /** The first numbers of a vector. */
    private List<Object> row(Table table, String name, float[] found, List<?> wanted) {
        List<Object> pairs = new ArrayList<>();
        for (int i = 0; i < wanted.size(); i++) {
            pairs.add(pair(
                    table,
                    i == 0 ? name + " [0]" : " ".repeat(name.length()) + " [" + i + "]",
                    found[i],
                    wanted.get(i),
                    1));
        }
        return pairs;
    }

    private List<Object> probabilities(Table table, List<String> labels, double[] found, List<?> wanted) {
        List<Object> pairs = new ArrayList<>();
        for (int i = 0; i < found.length; i++) {
            pairs.add(pair(table, "probability of '" + labels.get(i) + "'", found[i], wanted.get(i), 100));
        }
        return pairs;
    }

    /**
     * One number beside the reference's.
     *
     * @param sensitivity how much a relative error of the embeddings is magnified: the logit scale in probabilities
     */
    private List<Object> pair(Table table, String name, double found, Object wanted, double sensitivity) {
        double expected = ((Number) wanted).doubleValue();
        double difference = Math.abs(found - expected);
        pass &= difference <= LIMIT * sensitivity;
        table.row(
                name,
                String.format(Locale.ROOT, "%.7f", found),
                String.format(Locale.ROOT, "%.7f", expected),
                String.format(Locale.ROOT, "%.1e", difference));
        return List.of(found, expected);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
