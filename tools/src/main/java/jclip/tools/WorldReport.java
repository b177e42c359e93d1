package jclip.tools;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import jclip.eval.Proportion;
import jclip.tools.report.Figures;
import jclip.tools.report.Picture;
import jclip.tools.report.PictureGrid;
import jclip.tools.report.Report;
import jclip.tools.report.RunCurves;
import jclip.tools.report.Search;
import jclip.tools.report.Section;
import jclip.tools.report.Table;
import jclip.tools.world.Kind;
import jclip.tools.world.World;
import jclip.train.TrainingConfig;

/** The page that a demonstration leaves behind. */
record WorldReport(
        World training, WorldTrial trial, Path folder, TrainingConfig config, int steps, double trainingSeconds) {
    private static final int SIDE = 64;
    private static final int SHOWN = 24;

    void write(Path file) {
        List<Section> sections = new ArrayList<>();
        sections.add(figures());
        sections.add(answers());
        sections.add(searches());
        sections.add(samples());
        sections.addAll(RunCurves.of(folder.resolve("log.jsonl")));
        sections.add(Table.of("Settings", config.resolved()));
        String summary = String.format(
                Locale.ROOT,
                "A small CLIP, trained for %d steps (%.0f s) on pictures and captions made by code. %d combinations of"
                        + " colour, shape and texture were kept out of training; everything measured here is of these:"
                        + " %d pictures, as the model sees them.",
                steps,
                trainingSeconds,
                Kind.unseen().size(),
                trial.unseen().size());
        new Report("jclip demo: pictures and words it never saw together", summary, sections).write(file);
    }

    private Section figures() {
        return new Figures(
                "Figures, for combinations never seen in training",
                List.of(
                        figure(
                                "zero-shot: kind, of the unseen ones",
                                trial.classes().accuracy(),
                                trial.chance()),
                        figure("zero-shot: kind, of all", trial.amongAll(), trial.chanceAmongAll()),
                        figure(
                                "search: a full caption's picture comes first",
                                trial.retrieval().textToImage(1),
                                trial.retrievalChance()),
                        figure(
                                "search: ... is among the first 5",
                                trial.retrieval().textToImage(5),
                                5 * trial.retrievalChance())));
    }

    private static Figures.Figure figure(String name, Proportion found, double chance) {
        Double value = found.value();
        return new Figures.Figure(
                name,
                value == null ? 0 : value,
                found.interval().low(),
                found.interval().high(),
                chance);
    }

    /** Pictures of unseen kinds with the kind that the model names. */
    private Section answers() {
        World unseen = trial.unseen();
        int[] predictions = trial.classes().predictions();
        List<Search.Hit> hits = IntStream.range(0, Math.min(2 * SHOWN, unseen.size()))
                .mapToObj(i -> new Search.Hit(
                        picture(unseen, i, unseen.kinds().get(predictions[i]).phrase(1)),
                        predictions[i] == unseen.label(i)))
                .toList();
        return new Search(
                "Zero-shot classification",
                List.of(new Search.Query("Which of the 32 unseen kinds is it? The model's answers:", hits)));
    }

    private Section searches() {
        World unseen = trial.unseen();
        return new Search(
                "Search by text among " + unseen.size() + " pictures",
                trial.searches().stream()
                        .map(search -> new Search.Query(
                                search.text(),
                                search.hits().stream()
                                        .map(p -> new Search.Hit(
                                                picture(unseen, p, unseen.caption(p, 0)), trial.isRight(search, p)))
                                        .toList()))
                        .toList());
    }

    private Section samples() {
        return new PictureGrid(
                "What it learned from",
                IntStream.range(0, SHOWN)
                        .mapToObj(i -> picture(training, i, training.caption(i, i % training.captionCount(i))))
                        .toList());
    }

    private static Picture picture(World world, int index, String caption) {
        byte[] rgb = world.rgb(index, SIDE);
        BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < SIDE * SIDE; i++) {
            int color = (rgb[3 * i] & 255) << 16 | (rgb[3 * i + 1] & 255) << 8 | rgb[3 * i + 2] & 255;
            image.setRGB(i % SIDE, i / SIDE, color);
        }
        return Picture.of(image, caption);
    }
}
