package jclip.tools;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jclip.Clip;
import jclip.data.Dataset;
import jclip.data.Prompts;
import jclip.eval.Bootstrap;
import jclip.eval.Classification;
import jclip.eval.Proportion;
import jclip.eval.ZeroShot;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "zeroshot",
        description = {
            "Zero-shot classification of labelled pictures, with all templates together (the ensemble),",
            "with the bare class names, and with the single prompt 'a photo of a {}.'."
        },
        footer = {
            "",
            "Example: jclip eval zeroshot --model ViT-B-32 --data shards --classes classes.txt --templates"
                    + " templates.txt"
        })
final class ZeroShotCommand extends JclipCommand {
    private static final String SINGLE = "a photo of a {}.";
    /** The seven that together do best on ImageNet, by the authors of CLIP. */
    private static final List<String> USUAL = List.of(
            "itap of a {}.",
            "a bad photo of the {}.",
            "a origami {}.",
            "a photo of the large {}.",
            "a {} in a video game.",
            "art of the {}.",
            "a photo of the small {}.");

    private static final int SEVERAL = 5;

    @Mixin
    private ModelOptions options = new ModelOptions();

    @Option(
            names = "--data",
            required = true,
            paramLabel = "SHARDS",
            description = "Labelled pictures: a folder of .tar shards, a file, or a pattern with {000..012}.")
    private String data = "";

    @Option(names = "--classes", required = true, paramLabel = "F", description = "Class names, one a line.")
    private Path classes = Path.of("");

    @Option(
            names = "--templates",
            paramLabel = "F",
            description = "Prompts, one a line, {} stands for the class name. Default: seven general ones.")
    private @Nullable Path templates;

    @Option(names = "--seed", paramLabel = "S", description = "Of the resampled intervals. Default: 0.")
    private long seed;

    @Override
    public Integer call() {
        Prompts ensemble = Prompts.read(classes, templates);
        if (templates == null) {
            ensemble = new Prompts(ensemble.classes(), USUAL);
        }
        try (Dataset set = Dataset.open(data);
                Clip clip = options.open(Clip.builder().truncateTexts(true))) {
            EmbeddedSet images = EmbeddedSet.embeddings(clip, set);
            images.requireLabels(set, ensemble.classes().size());
            EvalCommand.Figures figures = figures(clip, images, ensemble);
            figures.put("templates", ensemble.templates().size());
            figures.put("bare", figures(clip, images, new Prompts(ensemble.classes(), List.of(Prompts.BARE))));
            figures.put("single", figures(clip, images, new Prompts(ensemble.classes(), List.of(SINGLE))));
            return EvalCommand.report(this, figures, images.drops());
        }
    }

    private EvalCommand.Figures figures(Clip clip, EmbeddedSet images, Prompts prompts) {
        int count = prompts.classes().size();
        int each = prompts.templates().size();
        List<float[]> texts = new ArrayList<>();
        for (int label = 0; label < count; label++) {
            List<String> sentences = new ArrayList<>();
            for (int template = 0; template < each; template++) {
                sentences.add(prompts.of(label, template));
            }
            texts.addAll(Arrays.asList(clip.encodeTexts(sentences)));
        }
        int[] counts = new int[count];
        Arrays.fill(counts, each);
        Classification found = ZeroShot.of(
                        texts.toArray(float[][]::new), counts, clip.model().logitScale())
                .classify(images.images(), images.labels());
        double chance = 1.0 / count;
        double chanceOfSeveral = Math.min(SEVERAL, count) * chance;
        Proportion first = found.accuracy();
        Proportion several = found.topK(SEVERAL);
        EvalCommand.Figures figures = new EvalCommand.Figures();
        figures.add("acc1", first.value(), first.interval(), chance);
        figures.add("acc5", several.value(), several.interval(), chanceOfSeveral);
        figures.add("mean_per_class_recall", found.meanPerClass(), found.meanPerClass(new Bootstrap(seed)), chance);
        figures.put("chance", chance);
        figures.put("acc5_chance", chanceOfSeveral);
        figures.put("n", first.trials());
        return figures;
    }
}
