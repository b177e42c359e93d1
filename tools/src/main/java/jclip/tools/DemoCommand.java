package jclip.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "demo",
        description = "Trains a small CLIP on pictures and captions made here, in one to two minutes on two cores, and"
                + " tries it on combinations of colour, shape and texture that it never saw. Nothing to download.",
        footer = {
            "",
            "Ctrl-C ends it after the step. The last line is one JSON object; the report opens in any browser.",
            "Example: jclip demo"
        })
final class DemoCommand extends JclipCommand {
    @Option(
            names = "--classify",
            description = "Instead embeds and classifies a picture made here, through a small model and a full-size"
                    + " ViT-B/32, and prints the reference's numbers beside.")
    private boolean classify;

    @Option(
            names = "--steps",
            defaultValue = "" + WorldDemo.STEPS,
            description = "Steps of training; two runs of as many steps give the same weights. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int steps;

    @Option(
            names = "--seed",
            defaultValue = "1",
            description = "What pictures, captions, first weights and their order are drawn from. Default:"
                    + " ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "Folder for the run, its model and its report. Default: a new temporary folder.")
    private @Nullable Path output;

    @Override
    public Integer call() throws IOException {
        if (classify) {
            return new ReferenceDemo(out(), json).run() ? OK : FAILED;
        }
        if (steps < 1) {
            throw wrong("Invalid value for option '--steps': " + steps + "; wanted at least 1");
        }
        if (output != null && Files.exists(output.resolve("config.json"))) {
            throw wrong("--output " + output + " holds a run already; choose another folder");
        }
        Path folder = output == null
                ? Files.createTempDirectory("jclip-demo")
                : Files.createDirectories(output.toAbsolutePath());
        return new WorldDemo(out(), err(), json, folder, steps, seed).run() ? OK : FAILED;
    }
}
