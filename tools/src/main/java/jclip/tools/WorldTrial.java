package jclip.tools;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import jclip.Clip;
import jclip.eval.Classification;
import jclip.eval.Proportion;
import jclip.eval.Retrieval;
import jclip.eval.ZeroShot;
import jclip.image.PictureSource;
import jclip.tools.world.Kind;
import jclip.tools.world.World;

/**
 * What a trained model makes of pictures of kinds that it never saw.
 *
 * @param unseen the pictures
 * @param classes the answer to each among the unseen kinds
 * @param amongAll accuracy where the 224 kinds seen in training are answers as well
 * @param retrieval between all pictures and their full captions
 * @param searches texts with the pictures nearest to them
 */
record WorldTrial(
        World unseen, Classification classes, Proportion amongAll, Retrieval retrieval, List<Search> searches) {
    private static final int SEARCHES = 6;
    private static final int HITS = 6;

    /**
     * A text and the pictures nearest to it.
     *
     * @param kind that it names
     * @param hits numbers of pictures, the nearest first
     */
    record Search(String text, Kind kind, List<Integer> hits) {}

    static WorldTrial of(Path model, World unseen) {
        int count = unseen.size();
        try (Clip clip = Clip.load(model)) {
            List<PictureSource> pictures =
                    IntStream.range(0, count).mapToObj(unseen::picture).toList();
            float[][] images = clip.encodeSources(pictures);
            int[] labels = IntStream.range(0, count).map(unseen::label).toArray();
            List<Kind> all =
                    Stream.concat(unseen.kinds().stream(), Kind.seen().stream()).toList();
            float[][] captions = clip.encodeTexts(IntStream.range(0, count)
                    .mapToObj(i -> unseen.caption(i, 0))
                    .toList());
            return new WorldTrial(
                    unseen,
                    zeroShot(clip, unseen.kinds()).classify(images, labels),
                    zeroShot(clip, all).classify(images, labels).accuracy(),
                    Retrieval.ofEmbeddings(
                            images, captions, IntStream.range(0, count).toArray()),
                    searches(clip, images, unseen.kinds()));
        }
    }

    private static ZeroShot zeroShot(Clip clip, List<Kind> kinds) {
        List<String> prompts =
                kinds.stream().flatMap(kind -> kind.prompts().stream()).toList();
        int[] counts = kinds.stream().mapToInt(kind -> kind.prompts().size()).toArray();
        return ZeroShot.of(clip.encodeTexts(prompts), counts, Math.log(clip.logitScale()));
    }

    private static List<Search> searches(Clip clip, float[][] images, List<Kind> kinds) {
        List<Search> searches = new ArrayList<>();
        for (int i = 0; i < SEARCHES; i++) {
            Kind kind = kinds.get((i * kinds.size() / SEARCHES + i) % kinds.size());
            String text = kind.prompts().getFirst();
            float[] wanted = clip.encodeText(text);
            List<Integer> hits = IntStream.range(0, images.length)
                    .boxed()
                    .sorted(Comparator.comparingDouble(p -> -Clip.cosine(images[p], wanted)))
                    .limit(HITS)
                    .toList();
            searches.add(new Search(text, kind, hits));
        }
        return searches;
    }

    boolean isRight(Search search, int picture) {
        return unseen.scene(picture).kind().equals(search.kind);
    }

    double chance() {
        return 1.0 / unseen.kinds().size();
    }

    double chanceAmongAll() {
        return 1.0 / (Kind.seen().size() + unseen.kinds().size());
    }

    double retrievalChance() {
        return 1.0 / unseen.size();
    }

    Map<String, Object> figures() {
        Map<String, Object> figures = new LinkedHashMap<>();
        put(figures, "acc1_unseen", classes.accuracy());
        figures.put("chance", chance());
        put(figures, "acc1_unseen_among_all", amongAll);
        figures.put("chance_among_all", chanceAmongAll());
        put(figures, "retrieval_recall@1", retrieval.textToImage(1));
        figures.put("retrieval_chance", retrievalChance());
        figures.put("n", unseen.size());
        return figures;
    }

    private static void put(Map<String, Object> figures, String name, Proportion figure) {
        figures.put(name, figure.value());
        figures.put(
                name + "_ci95",
                Arrays.asList(figure.interval().low(), figure.interval().high()));
    }

    /** For the console. */
    String text() {
        Table table = new Table("lrrr", "never seen in training", "right", "95 % interval", "chance");
        row(table, "kind of a picture, of " + unseen.kinds().size() + " unseen", classes.accuracy(), chance());
        row(table, "kind of a picture, of all " + Math.round(1 / chanceAmongAll()), amongAll, chanceAmongAll());
        row(table, "picture of a caption, of " + unseen.size(), retrieval.textToImage(1), retrievalChance());
        StringBuilder text = new StringBuilder(table.toString()).append("\nSearch by text\n");
        for (Search search : searches) {
            long right = search.hits.stream().filter(p -> isRight(search, p)).count();
            text.append(String.format(
                    Locale.ROOT, "  %-28s %d of the first %d are right%n", search.text, right, search.hits.size()));
        }
        return text.toString();
    }

    private static void row(Table table, String name, Proportion figure, double chance) {
        Double value = figure.value();
        table.row(
                name,
                String.format(Locale.ROOT, "%.1f %%", 100 * (value == null ? 0 : value)),
                String.format(
                        Locale.ROOT,
                        "%.1f to %.1f %%",
                        100 * figure.interval().low(),
                        100 * figure.interval().high()),
                String.format(Locale.ROOT, "%.1f %%", 100 * chance));
    }
}
