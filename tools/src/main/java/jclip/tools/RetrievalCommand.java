package jclip.tools;

import java.util.ArrayList;
import java.util.List;
import jclip.Clip;
import jclip.data.DataException;
import jclip.data.Dataset;
import jclip.eval.Bootstrap;
import jclip.eval.Retrieval;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "retrieval",
        description =
                "Pictures found by their captions, and captions by their pictures; any number of captions a picture.",
        footer = {"", "Example: jclip eval retrieval --model ViT-B-32 --data shards"})
final class RetrievalCommand extends JclipCommand {
    private static final int[] KS = {1, 5, 10};

    @Mixin
    private ModelOptions options = new ModelOptions();

    @Option(
            names = "--data",
            required = true,
            paramLabel = "SHARDS",
            description = "Pictures with captions: a folder of .tar shards, a file, or a pattern with {000..012}.")
    private String data = "";

    @Option(names = "--seed", paramLabel = "S", description = "Of the resampled intervals. Default: 0.")
    private long seed;

    @Override
    public Integer call() {
        try (Dataset set = Dataset.open(data);
                Clip clip = options.open(Clip.builder().truncateTexts(true))) {
            EmbeddedSet images = EmbeddedSet.embeddings(clip, set);
            List<String> captions = new ArrayList<>();
            List<Integer> owners = new ArrayList<>();
            for (int i = 0; i < images.samples().length; i++) {
                int sample = images.samples()[i];
                for (int c = 0; c < set.captionCount(sample); c++) {
                    captions.add(set.caption(sample, c));
                    owners.add(i);
                }
            }
            if (captions.isEmpty()) {
                throw new DataException(data + ": no picture has a caption");
            }
            Retrieval found = Retrieval.ofEmbeddings(
                    images.images(),
                    clip.encodeTexts(captions),
                    owners.stream().mapToInt(Integer::intValue).toArray());
            EvalCommand.Figures figures = figures(found);
            figures.put("captions", captions.size());
            return EvalCommand.report(this, figures, images.drops());
        }
    }

    private EvalCommand.Figures figures(Retrieval found) {
        EvalCommand.Figures figures = new EvalCommand.Figures();
        Bootstrap bootstrap = new Bootstrap(seed);
        for (int k : KS) {
            figures.add(
                    "image_retrieval_recall@" + k,
                    found.textToImage(k).value(),
                    found.textToImage(k, bootstrap),
                    found.textToImageByChance(k));
        }
        for (int k : KS) {
            figures.add(
                    "text_retrieval_recall@" + k,
                    found.imageToText(k).value(),
                    found.imageToText(k, bootstrap),
                    found.imageToTextByChance(k));
        }
        figures.put("chance", found.textToImageByChance(1));
        for (int k : KS) {
            figures.put("image_retrieval_recall@" + k + "_chance", found.textToImageByChance(k));
            figures.put("text_retrieval_recall@" + k + "_chance", found.imageToTextByChance(k));
        }
        figures.put("n", found.imageBestRank().length);
        return figures;
    }
}
