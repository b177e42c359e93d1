package jclip.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * {@code ColdStart RESULTS}: from starting a JVM to the first embedding of a memory-mapped ViT-B/32 whose file is in the page cache,
 * without and with an AOT cache, in turns.
 */
public final class ColdStart {
    private static final int RUNS = 9;

    private ColdStart() {}

    public static void main(String[] args) throws IOException {
        try (FormulaFolder folder = new FormulaFolder("ViT-B-32")) {
            Path cache = folder.path().resolveSibling("jclip.aot");
            List<String> serial = List.of("-XX:+UseSerialGC", "-Xlog:aot=off", "-Xlog:cds=off");
            List<List<String>> options = List.of(List.of(), serial, with(serial, "-XX:AOTCache=" + cache));
            List<String> names =
                    List.of("no options", "-XX:+UseSerialGC", "-XX:+UseSerialGC and AOT cache, as in tools/jclip");
            Child.run(with(serial, "-XX:AOTCacheOutput=" + cache), folder.path(), 1);
            if (!Files.exists(cache)) {
                throw new IllegalStateException(
                        "the JVM made no AOT cache; it takes nothing but jars on the class path");
            }
            List<List<Child.Answer>> answers = new ArrayList<>();
            options.forEach(o -> answers.add(new ArrayList<>()));
            for (int run = 0; run < RUNS; run++) {
                for (int i = 0; i < options.size(); i++) {
                    answers.get(i).add(Child.run(options.get(i), folder.path(), 1));
                }
            }
            Report.write(
                    Path.of(args[0]),
                    "cold-start.md",
                    "Cold start: JVM start to the first embedding of ViT-B/32",
                    "bench/cold-start",
                    table(names, answers));
        }
    }

    private static List<String> with(List<String> options, String one) {
        return Stream.concat(options.stream(), Stream.of(one)).toList();
    }

    private static String table(List<String> names, List<List<Child.Answer>> answers) {
        StringBuilder text =
                new StringBuilder("Safetensors, fp32, memory-mapped, in the page cache; a decoded picture of 640 x 480."
                        + " Median and quartiles of " + RUNS + " runs in turns, milliseconds.\n\n"
                        + "| | process start to embedding | least | of these"
                        + " since main | processor time of all its threads |\n"
                        + "|---|---|---|---|---|\n");
        for (int i = 0; i < names.size(); i++) {
            Ratio whole = Ratio.of(
                    answers.get(i).stream().mapToDouble(Child.Answer::toFirst).toArray());
            Ratio main = Ratio.of(
                    answers.get(i).stream().mapToDouble(Child.Answer::inMain).toArray());
            double least = answers.get(i).stream()
                    .mapToDouble(Child.Answer::toFirst)
                    .min()
                    .orElseThrow();
            Ratio processor = Ratio.of(
                    answers.get(i).stream().mapToDouble(Child.Answer::processor).toArray());
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %.0f [%.0f, %.0f] | %.0f | %.0f | %.0f [%.0f, %.0f] |%n",
                    names.get(i),
                    whole.median(),
                    whole.low(),
                    whole.high(),
                    least,
                    main.median(),
                    processor.median(),
                    processor.low(),
                    processor.high()));
        }
        return text.toString();
    }
}
