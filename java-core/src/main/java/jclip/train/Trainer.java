package jclip.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import jclip.backend.Context;
import jclip.backend.Library;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Layout;
import jclip.data.Batch;
import jclip.data.Batches;
import jclip.data.Dataset;
import jclip.data.Mixture;
import jclip.graph.Gradients;
import jclip.graph.op.ContrastiveLoss;
import jclip.graph.op.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model as a {@link TrainingConfig} says, from scratch or from a checkpoint, and goes on where a stopped run ended. Two runs of
 * one configuration give the same bytes of weights, optimiser state and losses, whatever the number of threads and however often they are
 * killed.
 *
 * <p>In the output folder: {@code config.json} (resolved), {@code snapshots}, {@code log.jsonl}, {@code tensorboard}, {@code vocab}, and at the
 * end {@code final}, an OpenCLIP checkpoint, and {@code final-average} where a moving average is kept.
 *
 * <p>Not thread-safe; {@link TrainerListener#stopRequested} may answer from any thread.
 */
public final class Trainer implements AutoCloseable {
    private final TrainingConfig config;
    private final TrainerListener listener;
    private final Path folder;
    private final Start start;
    private final TrainingSets sets;
    private final Context context = new Context(Library.cpu());
    private final Storage storage;
    private final TrainingStep step;
    private final Snapshots snapshots;
    private final Schedule schedule;
    private final @Nullable PatchDropout dropout;
    private final long steps;
    private final int batch;
    private final int[] tokens;
    private final int[] kept;
    private long done;
    private @Nullable Double score;

    private Trainer(TrainingConfig config, TrainerListener listener, Start start, TrainingSets sets) {
        this.config = config;
        this.listener = listener;
        this.folder = config.output();
        this.batch = config.integer(Setting.BATCH_SIZE);
        this.start = start;
        this.sets = sets;
        this.storage = new Storage(
                start.tensors(sigmoid()),
                start.trained(
                        config.flag(Setting.FREEZE_IMAGE),
                        config.integer(Setting.UNLOCKED_GROUPS),
                        config.flag(Setting.FREEZE_TEXT)),
                config.real(Setting.EMA_DECAY) > 0);
        start.fill(storage, sigmoid(), config.whole(Setting.SEED));
        Architecture architecture = start.architecture();
        int patches = architecture.vision() instanceof Architecture.Vit vit ? vit.grid() * vit.grid() : 0;
        if (config.real(Setting.PATCH_DROPOUT) > 0 && patches == 0) {
            throw new IllegalArgumentException(
                    "patch dropout " + config.real(Setting.PATCH_DROPOUT) + ": a ResNet has no patches");
        }
        if (precision() == Precision.BF16 && !context.multipliesBf16()) {
            throw new IllegalArgumentException("precision bf16: this processor, or the instruction set " + context.isa()
                    + ", has no bf16 products; use fp32");
        }
        int keptPatches = config.real(Setting.PATCH_DROPOUT) > 0
                ? PatchDropout.kept(patches, config.real(Setting.PATCH_DROPOUT))
                : 0;
        this.dropout = keptPatches > 0 ? new PatchDropout(config.whole(Setting.SEED), patches) : null;
        this.kept = new int[batch * keptPatches];
        this.tokens = new int[batch * architecture.text().contextLength()];
        this.step = new TrainingStep(architecture, storage, context, settings(keptPatches), layerScale(), this::decay);
        this.snapshots = new Snapshots(
                folder.resolve("snapshots"), config.integer(Setting.KEEP_CHECKPOINTS), Snapshots.Better.LOWER);
        this.steps = config.steps(sets.stepsPerEpoch(batch));
        this.schedule = config.schedule(steps);
    }

    private boolean sigmoid() {
        return config.text(Setting.LOSS).equals("siglip");
    }

    private Precision precision() {
        return config.text(Setting.PRECISION).equals("bf16") ? Precision.BF16 : Precision.F32;
    }

    private StepSettings settings(int keptPatches) {
        return new StepSettings(
                config.integer(Setting.BATCH_SIZE),
                config.chunk(),
                sigmoid() ? ContrastiveLoss.Kind.SIGMOID : ContrastiveLoss.Kind.SOFTMAX,
                config.flag(Setting.RECOMPUTE) ? Gradients.Keep.BLOCK_INPUTS : Gradients.Keep.EVERYTHING,
                config.flag(Setting.FREEZE_BN_STATS),
                keptPatches,
                config.flag(Setting.CUT_TEXT),
                config.text(Setting.ACCUM_LOGIT_SCALE).equals("open_clip"),
                precision(),
                new Optimiser.Settings(
                        config.real(Setting.BETA1),
                        config.real(Setting.BETA2),
                        config.real(Setting.EPS),
                        config.real(Setting.GRAD_CLIP_NORM)));
    }

    private ToDoubleFunction<String> layerScale() {
        return config.real(Setting.LAYER_DECAY) == 1
                ? name -> 1
                : start.layerDecay(config.real(Setting.LAYER_DECAY))::scale;
    }

    private double decay(String name) {
        long[] shape = start.tensors(sigmoid()).get(name);
        return shape != null && DecayRule.decays(name, shape.length) ? config.real(Setting.WEIGHT_DECAY) : 0;
    }

    /**
     * Runs a configuration to its end, or until the listener asks to stop; then the state is saved.
     *
     * @return what came of it
     * @throws NonFiniteException if loss or gradients are not finite; the last snapshot stays
     * @throws jclip.checkpoint.CheckpointException if a checkpoint or snapshot cannot be read or written
     * @throws jclip.data.DataException if the data cannot be read
     * @throws IllegalArgumentException if settings contradict each other
     */
    public static TrainingOutcome run(TrainingConfig config, TrainerListener listener) {
        try (Start start = Start.of(config);
                TrainingSets sets = TrainingSets.open(config, start)) {
            return run(config, start, sets, listener);
        }
    }

    /** With data of the caller's own, who closes it. */
    public static TrainingOutcome run(
            TrainingConfig config, Mixture mixture, @Nullable Dataset validation, TrainerListener listener) {
        try (Start start = Start.of(config)) {
            TrainingSets sets = TrainingSets.of(config, start, mixture, validation);
            return run(config, start, sets, listener);
        }
    }

    private static TrainingOutcome run(
            TrainingConfig config, Start start, TrainingSets sets, TrainerListener listener) {
        if (config.integer(Setting.THREADS) > 0) {
            Library.cpu().threads(config.integer(Setting.THREADS));
        }
        try (Trainer trainer = new Trainer(config, listener, start, sets)) {
            return trainer.run();
        }
    }

    private TrainingOutcome run() {
        prepareFolder();
        resume();
        listener.started(done, steps, start.architecture().parameters(), step.arenaBytes());
        try (JsonLog log = new JsonLog(folder.resolve("log.jsonl"));
                TensorBoardEvents events = new TensorBoardEvents(folder.resolve("tensorboard"), done + 1);
                Batches batches = sets.training(config, start, done)) {
            Interval interval = new Interval(batches);
            while (done < steps && !listener.stopRequested()) {
                double rate = schedule.at(done);
                TrainingStep.Result result = step.run(batch(batches.next()), rate, averageDecay());
                done++;
                interval.add(result);
                if (done % config.integer(Setting.LOG_EVERY) == 0 || done == steps) {
                    report(interval, rate, log, events);
                }
                if (sets.validation() != null
                        && (done % Math.max(1, config.integer(Setting.VAL_EVERY)) == 0 || done == steps)) {
                    validate(log, events);
                }
                if (done % config.integer(Setting.CHECKPOINT_EVERY) == 0 && done < steps) {
                    save(log);
                }
            }
            save(log);
        }
        boolean finished = done == steps;
        if (finished) {
            export("final", storage::values);
            if (storage.isAveraged()) {
                export("final-average", storage::average);
            }
        }
        return new TrainingOutcome(done, steps, finished, score, folder.resolve("final"));
    }

    private double averageDecay() {
        return config.real(Setting.EMA_DECAY) > 0
                ? new AverageDecay(config.real(Setting.EMA_DECAY), true).at(done + 1)
                : 0;
    }

    private TrainingStep.Batch batch(Batch from) {
        MemorySegment.copy(from.tokens(), ValueLayout.JAVA_INT, 0, tokens, 0, tokens.length);
        if (dropout == null) {
            return new TrainingStep.Batch(from.pixels(), tokens, null);
        }
        dropout.choose(done, batch, kept.length / batch, kept);
        return new TrainingStep.Batch(from.pixels(), tokens, kept);
    }

    /** A fresh folder, or with {@code resume} one that holds a run of the same configuration. */
    private void prepareFolder() {
        try {
            Files.createDirectories(folder);
            Path written = folder.resolve("config.json");
            if (config.flag(Setting.RESUME)) {
                config.requireSameRun(written);
            } else if (Files.exists(written)) {
                throw new IllegalArgumentException(
                        folder + " holds a run already; resume it, or choose another folder");
            }
            write(written, config.json());
            sets.saveVocabulary(folder.resolve("vocab"));
        } catch (IOException e) {
            throw new UncheckedIOException(folder + " cannot be written: " + e.getMessage(), e);
        }
    }

    private void resume() {
        Optional<Snapshot> newest = config.flag(Setting.RESUME) ? snapshots.newestGood() : Optional.empty();
        if (newest.isPresent()) {
            newest.get().read(storage.state());
            done = newest.get().step();
            score = newest.get().score();
        } else if (storage.isAveraged()) {
            storage.block("average").copyFrom(storage.block("values"));
        }
        step.steps(done);
        try (JsonLog log = new JsonLog(folder.resolve("log.jsonl"))) {
            log.truncateAfter(done);
        }
    }

    private void save(JsonLog log) {
        log.sync();
        snapshots.save(
                done,
                Map.of("seed", config.whole(Setting.SEED), "batch_size", config.integer(Setting.BATCH_SIZE)),
                storage.state(),
                score);
        listener.saved(done);
    }

    /** What happened since the last report. */
    private final class Interval {
        private final Batches batches;
        private long began = System.nanoTime();
        private long waited;
        private int count;
        private TrainingStep.@Nullable Result last;

        Interval(Batches batches) {
            this.batches = batches;
        }

        void add(TrainingStep.Result result) {
            last = result;
            count++;
        }

        StepReport report(double rate) {
            TrainingStep.Result result = java.util.Objects.requireNonNull(last);
            long now = System.nanoTime();
            double seconds = (now - began) / 1e9;
            double waiting = (batches.waitedNanos() - waited) / 1e9;
            Map<String, Long> dropped = new TreeMap<>();
            batches.drops().forEach((defect, n) -> dropped.put(defect.toString(), n));
            StepReport report = new StepReport(
                    done,
                    steps,
                    result.loss(),
                    Math.log(batch),
                    result.logitScale(),
                    result.gradientNorm(),
                    result.clipFactor(),
                    rate,
                    count * batch / seconds,
                    waiting / seconds,
                    dropped,
                    seconds / count * (steps - done));
            began = now;
            waited = batches.waitedNanos();
            count = 0;
            return report;
        }
    }

    private void report(Interval interval, double rate, JsonLog log, TensorBoardEvents events) {
        StepReport report = interval.report(rate);
        log.write(done, report.fields());
        events.scalars(done, report.scalars());
        listener.step(report);
    }

    /** The mean loss over batches of the validation set, in its order; the last, incomplete one is left out. */
    private void validate(JsonLog log, TensorBoardEvents events) {
        List<Double> losses = new ArrayList<>();
        try (Batches batches = sets.validation(config, start)) {
            while (batches.hasNext()) {
                Batch batch = batches.next();
                if (batch.size() == config.chunk()) {
                    MemorySegment.copy(
                            batch.tokens(),
                            ValueLayout.JAVA_INT,
                            0,
                            tokens,
                            0,
                            config.chunk() * start.architecture().text().contextLength());
                    losses.add(step.validate(new TrainingStep.Batch(batch.pixels(), tokens, null)));
                }
            }
        }
        if (losses.isEmpty()) {
            throw new IllegalArgumentException(
                    "the validation set has fewer samples than a chunk of " + config.chunk());
        }
        double mean = losses.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
        score = mean;
        log.write(done, Map.of("validation_loss", mean, "validation_batches", losses.size()));
        events.scalars(done, Map.of("validation/loss", mean));
        listener.validated(done, mean, Math.log(config.chunk()));
    }

    /** Written beside and moved into place, so that a run that ends twice leaves one whole checkpoint. */
    private void export(String name, Function<String, MemorySegment> values) {
        Path target = folder.resolve(name);
        try {
            delete(target);
            Checkpoint model = Checkpoint.of(start.architecture(), start.preprocess(), values, folder.resolve("vocab"));
            model.write(target, Layout.OPENCLIP);
        } catch (IOException e) {
            throw new UncheckedIOException(target + " cannot be replaced: " + e.getMessage(), e);
        }
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
        Files.write(temporary, bytes);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    @Override
    public void close() {
        step.close();
        storage.close();
        context.close();
    }
}
