package jclip.tools;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import jclip.tools.report.Report;
import jclip.tools.report.RunCurves;
import jclip.tools.report.Section;
import jclip.tools.report.Table;
import jclip.train.Setting;
import jclip.train.StepReport;
import jclip.train.Trainer;
import jclip.train.TrainerListener;
import jclip.train.TrainingConfig;
import jclip.train.TrainingOutcome;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;

@Command(
        name = "train",
        description = "Trains a model from scratch or fine-tunes a checkpoint.",
        modelTransformer = TrainCommand.Settings.class,
        footer = {
            "",
            "Every setting can stand in CONFIG.json under its name with underscores; a flag goes before the file.",
            "Ctrl-C finishes the step and saves; --resume goes on to the same bits.",
            "Example: jclip train --output run --model-config small.json --vocab vocab.txt.gz --train-data shards/"
        })
final class TrainCommand extends JclipCommand {
    private static final long LONGEST_STOP_MINUTES = 10;

    /** One flag for every setting: the table in {@link Setting} is the only list. */
    static final class Settings implements CommandLine.IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            for (Setting setting : Setting.values()) {
                Object standard = setting.standard();
                String description = setting.description()
                        + (standard == null || standard.equals(List.of()) ? "" : " Default: " + text(standard));
                boolean switchable = setting.type() == Setting.Type.FLAG;
                OptionSpec.Builder option = OptionSpec.builder(setting.flag())
                        .description(description.replace("%", "%%"))
                        .paramLabel(switchable ? "true|false" : setting.type().name())
                        .arity(switchable ? "0..1" : "1")
                        .fallbackValue(switchable ? "true" : "");
                option = setting.type() == Setting.Type.LIST
                        ? option.type(List.class).auxiliaryTypes(String.class)
                        : option.type(String.class);
                command.addOption(option.build());
            }
            return command;
        }

        private static String text(Object standard) {
            return standard instanceof List<?> list
                    ? String.join(",", list.stream().map(String::valueOf).toList())
                    : String.valueOf(standard);
        }
    }

    @Parameters(index = "0", arity = "0..1", paramLabel = "CONFIG.json", description = "A file of settings.")
    private @Nullable Path file;

    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean stop;

    @Override
    public Integer call() {
        TrainingConfig config = config();
        Thread saver = new Thread(this::stopAndWait, "jclip-train-stop");
        Runtime.getRuntime().addShutdownHook(saver);
        try {
            TrainingOutcome outcome = Trainer.run(config, new Console());
            finish(outcome, report(config, outcome));
            return OK;
        } finally {
            ended.countDown();
            if (!stop) {
                Runtime.getRuntime().removeShutdownHook(saver);
            }
        }
    }

    /** On Ctrl-C: the step is finished and saved before the process ends. */
    private void stopAndWait() {
        stop = true;
        try {
            if (!ended.await(LONGEST_STOP_MINUTES, TimeUnit.MINUTES)) {
                err().println("the step did not end; the last snapshot stays");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private TrainingConfig config() {
        try {
            Map<Setting, Object> settings = new EnumMap<>(Setting.class);
            if (file != null) {
                settings.putAll(TrainingConfig.read(file));
            }
            for (Setting setting : Setting.values()) {
                Object value = spec().findOption(setting.flag()).getValue();
                if (value != null) {
                    settings.put(setting, typed(setting, value));
                }
            }
            return TrainingConfig.of(settings);
        } catch (IllegalArgumentException e) {
            throw wrong(String.valueOf(e.getMessage()));
        }
    }

    private static Object typed(Setting setting, Object value) {
        if (value instanceof List<?> list) {
            List<String> items = new ArrayList<>();
            list.forEach(item -> items.addAll(List.of(String.valueOf(item).split(","))));
            return items;
        }
        return setting.parse(String.valueOf(value));
    }

    /** Curves and settings in one file that opens without a network. */
    private static Path report(TrainingConfig config, TrainingOutcome outcome) {
        List<Section> sections = new ArrayList<>(RunCurves.of(config.output().resolve("log.jsonl")));
        sections.add(Table.of("Settings", config.resolved()));
        Path file = config.output().resolve("report.html");
        String summary = "Step " + outcome.step() + " of " + outcome.steps()
                + (outcome.validationLoss() == null
                        ? ""
                        : String.format(Locale.ROOT, "; validation loss %.4f", outcome.validationLoss()));
        new Report("Training run", summary, sections).write(file);
        return file;
    }

    private void finish(TrainingOutcome outcome, Path report) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", outcome.step());
        line.put("steps", outcome.steps());
        line.put("finished", outcome.finished());
        line.put("validation_loss", outcome.validationLoss());
        line.put("model", outcome.model().toString());
        line.put("report", report.toString());
        if (json) {
            printJson(line);
        } else {
            out().println(
                            outcome.finished()
                                    ? "done: " + outcome.model()
                                    : "stopped and saved at step " + outcome.step() + " of " + outcome.steps()
                                            + "; --resume goes on");
        }
    }

    /** A line for each report on standard output. */
    private final class Console implements TrainerListener {
        @Override
        public void started(long step, long steps, long parameters, long arenaBytes) {
            err().println(String.format(
                    Locale.ROOT,
                    "%s at step %d of %d; %.1f million parameters, %d MiB for activations",
                    step == 0 ? "starts" : "resumes",
                    step,
                    steps,
                    parameters / 1e6,
                    arenaBytes >> 20));
            err().flush();
        }

        @Override
        public void step(StepReport report) {
            if (json) {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("step", report.step());
                line.putAll(report.fields());
                printJson(line);
            } else {
                out().println(line(report));
                out().flush();
            }
        }

        @Override
        public void validated(long step, double loss, double chance) {
            err().println(String.format(
                    Locale.ROOT, "step %d: validation loss %.4f (chance %.3f)", step, loss, chance));
            err().flush();
        }

        @Override
        public boolean stopRequested() {
            return stop;
        }
    }

    private static String line(StepReport report) {
        return String.format(
                Locale.ROOT,
                "step %d/%d  loss %.4f (chance %.3f)  scale %.2f  norm %.3f  lr %.2e  %.1f pairs/s  waiting %.0f %%%s "
                        + " %s left",
                report.step(),
                report.steps(),
                report.loss(),
                report.chance(),
                Math.exp(report.logitScale()),
                report.gradientNorm(),
                report.learningRate(),
                report.pairsPerSecond(),
                100 * report.waiting(),
                report.dropped().isEmpty() ? "" : "  dropped " + report.dropped(),
                time(report.secondsLeft()));
    }

    private static String time(double seconds) {
        long whole = Math.round(seconds);
        return whole < 60
                ? whole + " s"
                : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }
}
