package jclip.tools;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import jclip.data.Mixture;
import jclip.text.LearnedVocabulary;
import jclip.tools.world.Kind;
import jclip.tools.world.World;
import jclip.train.Setting;
import jclip.train.StepReport;
import jclip.train.Trainer;
import jclip.train.TrainerListener;
import jclip.train.TrainingConfig;
import jclip.train.TrainingOutcome;

/** Trains a small CLIP on the generated world, tries it on what it never saw, and reports. */
final class WorldDemo {
    /** A minute or two on two cores. */
    static final int STEPS = 400;

    private static final int BATCH = 128;
    private static final int SAMPLES = 16_384;
    private static final int PER_KIND = 16;
    private static final int SIDE = 64;
    private static final int VOCABULARY = 696;
    /** Samples whose captions the vocabulary is learned from. */
    private static final int VOCABULARY_SAMPLES = 4096;

    private static final long LONGEST_STOP_SECONDS = 60;

    private final PrintWriter out;
    private final PrintWriter err;
    private final boolean json;
    private final Path folder;
    private final int steps;
    private final long seed;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean stop;

    WorldDemo(PrintWriter out, PrintWriter err, boolean json, Path folder, int steps, long seed) {
        this.out = out;
        this.err = err;
        this.json = json;
        this.folder = folder;
        this.steps = steps;
        this.seed = seed;
    }

    private void say(String format, Object... values) {
        if (!json) {
            out.println(String.format(Locale.ROOT, format, values));
            out.flush();
        }
    }

    /** Whether it came to its end. */
    boolean run() throws IOException {
        Thread stopper = new Thread(this::stopAndWait, "jclip-demo-stop");
        Runtime.getRuntime().addShutdownHook(stopper);
        try {
            return trainAndTry();
        } finally {
            ended.countDown();
            if (!stop) {
                Runtime.getRuntime().removeShutdownHook(stopper);
            }
        }
    }

    /** On Ctrl-C: the step is finished before the process ends. */
    private void stopAndWait() {
        stop = true;
        try {
            if (!ended.await(LONGEST_STOP_SECONDS, TimeUnit.SECONDS)) {
                err.println("the step did not end");
                err.flush();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean trainAndTry() throws IOException {
        long start = System.nanoTime();
        World world = World.training(seed, SAMPLES, SIDE);
        say(
                "A world of %d pictures with captions, made by code, of %d kinds of things; %d other kinds are kept"
                        + " out.",
                SAMPLES, world.kinds().size(), Kind.unseen().size());
        TrainingConfig config = config();
        TrainingOutcome outcome;
        try (Progress progress = Progress.onTerminal("steps", steps)) {
            outcome = Trainer.run(config, Mixture.of(world), null, new Listener(progress));
        }
        if (!outcome.finished()) {
            err.println("stopped after step " + outcome.step() + " of " + outcome.steps() + "; nothing was measured");
            err.flush();
            return false;
        }
        double trained = (System.nanoTime() - start) / 1e9;
        WorldTrial trial = WorldTrial.of(outcome.model(), World.unseen(seed, PER_KIND, SIDE));
        Path report = folder.resolve("report.html").toAbsolutePath();
        new WorldReport(world, trial, folder, config, steps, trained).write(report);
        double seconds = (System.nanoTime() - start) / 1e9;
        say("%n%s%nReport: %s (%.0f s, %.0f of them training)", trial.text(), report, seconds, trained);
        Map<String, Object> line = new LinkedHashMap<>(trial.figures());
        line.put("steps", steps);
        line.put("seconds", seconds);
        line.put("report", report.toString());
        line.put("model", outcome.model().toAbsolutePath().toString());
        out.println(JsonLine.of(line));
        out.flush();
        return true;
    }

    /** The same for every seed: how many different pairs of letters there are hangs on the texts. */
    private static LearnedVocabulary vocabulary() {
        World world = World.training(0, VOCABULARY_SAMPLES, SIDE);
        List<String> captions = new ArrayList<>();
        for (int i = 0; i < world.size(); i++) {
            for (int c = 0; c < world.captionCount(i); c++) {
                captions.add(world.caption(i, c));
            }
        }
        return LearnedVocabulary.of(captions, VOCABULARY);
    }

    private TrainingConfig config() throws IOException {
        Path model = folder.resolve("model.json");
        Files.write(model, Resources.bytes("demo.json"));
        Path vocabulary = folder.resolve("learned-vocabulary.txt.gz");
        vocabulary().write(vocabulary);
        Map<Setting, Object> settings = new EnumMap<>(Setting.class);
        settings.put(Setting.OUTPUT, folder.toString());
        settings.put(Setting.MODEL_CONFIG, model.toString());
        settings.put(Setting.VOCAB, vocabulary.toString());
        settings.put(Setting.TRAIN_DATA, List.of("the generated world"));
        settings.put(Setting.STEPS, (long) steps);
        settings.put(Setting.BATCH_SIZE, (long) BATCH);
        settings.put(Setting.LR, 2e-3);
        settings.put(Setting.WARMUP, (long) Math.min(40, steps / 10));
        settings.put(Setting.WEIGHT_DECAY, 0.1);
        settings.put(Setting.CROP_SCALE, List.of()); // a crop could make "on the left" untrue
        settings.put(Setting.SEED, seed);
        settings.put(Setting.CHECKPOINT_EVERY, (long) Integer.MAX_VALUE);
        settings.put(Setting.LOG_EVERY, 4L);
        return TrainingConfig.of(settings);
    }

    private final class Listener implements TrainerListener {
        private final Progress progress;

        Listener(Progress progress) {
            this.progress = progress;
        }

        @Override
        public void started(long step, long wanted, long parameters, long arenaBytes) {
            say(
                    "A CLIP of %.1f million parameters learns from %d batches of %d pairs. A loss of ln %d = %.2f is"
                            + " that of knowing nothing.",
                    parameters / 1e6, wanted, BATCH, BATCH, Math.log(BATCH));
        }

        @Override
        public void step(StepReport report) {
            progress.at(
                    (int) report.step(),
                    String.format(
                            Locale.ROOT,
                            "loss %.3f (ln %d = %.2f), %.0f pairs/s",
                            report.loss(),
                            BATCH,
                            report.chance(),
                            report.pairsPerSecond()));
            if (report.step() == report.steps()) {
                say("Loss of the last batch: %.3f.", report.loss());
            }
        }

        @Override
        public boolean stopRequested() {
            return stop;
        }
    }
}
