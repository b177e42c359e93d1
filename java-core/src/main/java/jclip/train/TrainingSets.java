package jclip.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Preprocess;
import jclip.data.Batches;
import jclip.data.Dataset;
import jclip.data.Mixture;
import jclip.data.RandomResizedCrop;
import jclip.image.Interpolation;
import jclip.image.Preprocessor;
import jclip.image.ResizeMode;
import jclip.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * A run's data: the sets to train on and to validate with, and the vocabulary. Safe for many threads.
 *
 * @param vocabulary the file or folder that was opened, or null for the standard vocabulary
 */
record TrainingSets(
        Mixture mixture,
        @Nullable Dataset validation,
        Tokenizer tokenizer,
        @Nullable Path vocabulary) implements AutoCloseable {
    TrainingSets {
        for (Dataset set : mixture.sets()) {
            requireCaptions(set);
        }
    }

    /** Opens what a configuration names. */
    static TrainingSets open(TrainingConfig config, Start start) {
        if (config.list(Setting.TRAIN_DATA).isEmpty()) {
            throw new IllegalArgumentException("train_data is empty; name at least one set to train on");
        }
        List<Dataset> opened = new ArrayList<>();
        try {
            for (String name : config.list(Setting.TRAIN_DATA)) {
                opened.add(Dataset.open(name));
            }
            List<Double> weights = config.list(Setting.TRAIN_WEIGHTS).stream()
                    .map(Double::valueOf)
                    .toList();
            Mixture mixture = weights.isEmpty()
                    ? Mixture.of(opened.size() == 1 ? opened.getFirst() : Dataset.concat(opened))
                    : new Mixture(opened, weights);
            if (config.has(Setting.VAL_DATA)) {
                opened.add(Dataset.open(config.text(Setting.VAL_DATA)));
            }
            return of(config, start, mixture, config.has(Setting.VAL_DATA) ? opened.getLast() : null);
        } catch (RuntimeException | Error e) {
            opened.forEach(Dataset::close);
            throw e;
        }
    }

    /** With sets that are open already. */
    static TrainingSets of(TrainingConfig config, Start start, Mixture mixture, @Nullable Dataset validation) {
        Path vocabulary = vocabulary(config, start);
        return new TrainingSets(
                mixture, validation, tokenizer(vocabulary, start.architecture().text()), vocabulary);
    }

    /** The one that was asked for, or that of the checkpoint that is fine-tuned. */
    private static @Nullable Path vocabulary(TrainingConfig config, Start start) {
        if (config.has(Setting.VOCAB)) {
            return Path.of(config.text(Setting.VOCAB));
        }
        Checkpoint init = start.init();
        Path folder = init == null ? null : init.source().toAbsolutePath().getParent();
        return folder != null && Tokenizer.isPresent(folder) ? folder : null;
    }

    /** A set whose first sample has no caption would only yield broken samples. */
    private static void requireCaptions(Dataset set) {
        if (set.captionCount(0) == 0) {
            throw new IllegalArgumentException("sample " + set.key(0)
                    + " has no caption; give class names and templates, or choose a set with captions");
        }
    }

    /** The vocabulary that fits the model's text tower. */
    static Tokenizer tokenizer(@Nullable Path vocabulary, Architecture.Text text) {
        Tokenizer tokenizer = vocabulary == null ? Tokenizer.standard() : Tokenizer.open(vocabulary);
        if (tokenizer.vocabularySize() != text.vocabSize()) {
            throw new IllegalArgumentException("the vocabulary has " + tokenizer.vocabularySize()
                    + " tokens, the model's text tower " + text.vocabSize()
                    + "; train a vocabulary of that size (data vocab) or change vocab_size");
        }
        return tokenizer;
    }

    /** Steps in which all samples are seen once. */
    long stepsPerEpoch(int batchSize) {
        return Math.max(1, mixture.size() / batchSize);
    }

    private static Preprocessor preprocessor(Preprocess settings) {
        List<Float> mean = settings.mean();
        List<Float> std = settings.std();
        return Preprocessor.builder()
                .size(settings.size(), settings.size())
                .resizeMode(ResizeMode.parse(settings.resizeMode()))
                .interpolation(Interpolation.parse(settings.interpolation()))
                .fillColor(settings.fillColor(), settings.fillColor(), settings.fillColor())
                .mean(mean.get(0), mean.get(1), mean.get(2))
                .std(std.get(0), std.get(1), std.get(2))
                .build();
    }

    private Batches.Builder builder(Batches.Builder builder, TrainingConfig config, Start start) {
        int workers = config.integer(Setting.WORKERS);
        builder.preprocessor(preprocessor(start.preprocess()))
                .tokenizer(tokenizer, start.architecture().text().contextLength());
        return workers > 0 ? builder.workers(workers) : builder;
    }

    /** An endless stream that begins with a step. */
    Batches training(TrainingConfig config, Start start, long firstStep) {
        return builder(Batches.builder(mixture), config, start)
                .batchSize(config.integer(Setting.BATCH_SIZE))
                .seed(config.whole(Setting.SEED))
                .firstStep(firstStep)
                .crop(crop(config))
                .training();
    }

    private static @Nullable RandomResizedCrop crop(TrainingConfig config) {
        List<Double> scale = numbers(config.list(Setting.CROP_SCALE));
        List<Double> ratio = numbers(config.list(Setting.CROP_RATIO));
        return scale.isEmpty() ? null : new RandomResizedCrop(scale.get(0), scale.get(1), ratio.get(0), ratio.get(1));
    }

    private static List<Double> numbers(List<String> texts) {
        return texts.stream().map(Double::valueOf).toList();
    }

    /** The validation set once, in its order, a chunk at a time. */
    Batches validation(TrainingConfig config, Start start) {
        Dataset set = java.util.Objects.requireNonNull(validation);
        return builder(Batches.builder(set), config, start)
                .batchSize(config.chunk())
                .evaluation();
    }

    /** Puts the vocabulary into a folder as checkpoints have it, unless it is there; nothing for the standard one. */
    void saveVocabulary(Path folder) throws IOException {
        Files.createDirectories(folder);
        if (vocabulary == null) {
            return;
        }
        if (Files.isDirectory(vocabulary)) {
            for (Path file : vocabularyFiles(vocabulary)) {
                copy(file, folder.resolve(file.getFileName()));
            }
        } else {
            copy(vocabulary, folder.resolve("bpe_simple_vocab_16e6.txt.gz"));
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        if (!Files.exists(to)) {
            Files.write(to, Files.readAllBytes(from));
        }
    }

    private static List<Path> vocabularyFiles(Path folder) throws IOException {
        List<String> names = List.of("bpe_simple_vocab_16e6.txt.gz", "vocab.json", "merges.txt", "tokenizer.json");
        try (Stream<Path> files = Files.list(folder)) {
            return new ArrayList<>(
                    files.filter(file -> names.contains(file.getFileName().toString()))
                            .toList());
        }
    }

    @Override
    public void close() {
        mixture.sets().forEach(Dataset::close);
        if (validation != null) {
            validation.close();
        }
    }
}
