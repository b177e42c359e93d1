package jclip.tools;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jclip.Clip;
import jclip.data.Dataset;
import jclip.data.Prompts;
import jclip.eval.LinearProbe;
import jclip.eval.LogisticRegression;
import jclip.eval.Proportion;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "probe",
        description = {
            "Linear probe: logistic regression on the image features before the projection, its C chosen",
            "on a fifth of the training pictures between 1e-6 and 1e6."
        },
        footer = {
            "",
            "Example: jclip eval probe --model ViT-B-32 --train shards/train --test shards/test --classes classes.txt"
                    + " --shots 1,2,4"
        })
final class ProbeCommand extends JclipCommand {
    /** Draws of the few samples, each with a seed of its own. */
    private static final int DRAWS = 3;
    /** As the paper's. */
    private static final int ITERATIONS = 1000;

    private static final double TOLERANCE = 1e-9;

    @Mixin
    private ModelOptions options = new ModelOptions();

    @Option(names = "--train", required = true, paramLabel = "SHARDS", description = "Labelled pictures to fit.")
    private String train = "";

    @Option(names = "--test", required = true, paramLabel = "SHARDS", description = "Labelled pictures to judge by.")
    private String test = "";

    @Option(names = "--classes", required = true, paramLabel = "F", description = "Class names, one a line.")
    private Path classes = Path.of("");

    @Option(
            names = "--shots",
            split = ",",
            paramLabel = "K",
            description = "Also probes on K training pictures a class, each the mean of 3 draws.")
    private List<Integer> shots = List.of();

    @Option(names = "--seed", paramLabel = "S", description = "Of splits and draws. Default: 0.")
    private long seed;

    @Override
    public Integer call() {
        for (int k : shots) {
            if (k < 1) {
                throw wrong("--shots " + k + "; it must be at least 1");
            }
        }
        int count = Prompts.read(classes, null).classes().size();
        try (Clip clip = options.open()) {
            EmbeddedSet training = read(clip, train, count);
            EmbeddedSet judged = read(clip, test, count);
            Map<String, Long> drops = new HashMap<>(training.drops());
            judged.drops().forEach((reason, number) -> drops.merge(reason, number, Long::sum));
            return EvalCommand.report(this, figures(training.toSamples(), judged.toSamples(), count), drops);
        }
    }

    private static EmbeddedSet read(Clip clip, String name, int classes) {
        try (Dataset set = Dataset.open(name)) {
            EmbeddedSet embedded = EmbeddedSet.pooled(clip, set);
            embedded.requireLabels(set, classes);
            return embedded;
        }
    }

    private EvalCommand.Figures figures(LinearProbe.Samples training, LinearProbe.Samples judged, int count) {
        LogisticRegression.Options fitting =
                new LogisticRegression.Options(1, true, TOLERANCE, ITERATIONS, options.threads());
        LinearProbe.Fitted probe = LinearProbe.fit(training, seed, fitting);
        Proportion accuracy = probe.classify(judged, count).accuracy();
        double chance = 1.0 / count;
        EvalCommand.Figures figures = new EvalCommand.Figures();
        figures.add("acc1", accuracy.value(), accuracy.interval(), chance);
        figures.put("chance", chance);
        figures.put("best_c", probe.c());
        figures.put("objective", probe.fit().objective());
        figures.put("iterations", probe.fit().iterations());
        figures.put("converged", probe.fit().converged());
        figures.put("n", accuracy.trials());
        figures.put("n_train", training.labels().length);
        if (!shots.isEmpty()) {
            List<Map<String, @Nullable Object>> few = new ArrayList<>();
            try (Progress progress = Progress.onTerminal("few-shot probes", shots.size())) {
                for (int k : shots) {
                    few.add(fewShot(training, judged, count, k, fitting));
                    progress.at(few.size());
                }
            }
            figures.put("shots", few);
        }
        return figures;
    }

    private Map<String, @Nullable Object> fewShot(
            LinearProbe.Samples training,
            LinearProbe.Samples judged,
            int count,
            int k,
            LogisticRegression.Options fitting) {
        double[] accuracies = new double[DRAWS];
        double mean = 0;
        for (int i = 0; i < DRAWS; i++) {
            Proportion right = LinearProbe.fewShot(training, k, seed + i, fitting)
                    .classify(judged, count)
                    .accuracy();
            accuracies[i] = (double) right.successes() / right.trials();
            mean += accuracies[i] / DRAWS;
        }
        double squares = 0;
        for (double accuracy : accuracies) {
            squares += (accuracy - mean) * (accuracy - mean);
        }
        double deviation = Math.sqrt(squares / (DRAWS - 1));
        if (!json) {
            out().printf(Locale.ROOT, "%d shots: %.2f %% (deviation %.2f)%n", k, 100 * mean, 100 * deviation);
        }
        Map<String, @Nullable Object> line = new LinkedHashMap<>();
        line.put("k", k);
        line.put("acc1_mean", mean);
        line.put("acc1_std", deviation);
        return line;
    }
}
