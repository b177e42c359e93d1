package jclip.tools;

import java.nio.file.Path;
import java.util.Locale;
import jclip.Clip;
import jclip.backend.Library;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The options of every command that runs a model. */
final class ModelOptions {
    @Spec(Target.MIXEE)
    private @Nullable CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "Checkpoint folder or file, or formula:NAME for full-size weights made by a formula"
                    + " (formula:ViT-B-32).")
    private @Nullable String model;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads that compute at once. Default: all processors.")
    private @Nullable Integer threads;

    @Option(
            names = "--device",
            paramLabel = "NAME",
            defaultValue = "cpu",
            description = "cpu, the only one of this build.")
    private String device = "cpu";

    @Option(
            names = "--precision",
            paramLabel = "P",
            defaultValue = "fp32",
            description = "fp32, the only one of this build.")
    private String precision = "fp32";

    /** The checkpoint asked for. */
    String model() {
        if (model == null) {
            throw wrong("Missing required option: '--model=DIR'");
        }
        return model;
    }

    boolean hasModel() {
        return model != null;
    }

    /** Refuses what this build does not have, and sets the thread pool. */
    void apply() {
        refuse("--device", device, "cpu", "cuda", "emulated");
        refuse("--precision", precision, "fp32", "bf16", "int8");
        if (threads != null) {
            if (threads < 1) {
                throw wrong("Invalid value for option '--threads': " + threads + "; it must be at least 1");
            }
            Library.cpu().threads(threads);
        }
    }

    private void refuse(String option, String value, String here, String... elsewhere) {
        String given = value.toLowerCase(Locale.ROOT);
        if (given.equals(here)) {
            return;
        }
        for (String known : elsewhere) {
            if (given.equals(known)) {
                throw wrong(option + " " + given + ": this build has only " + here);
            }
        }
        throw wrong("Invalid value for option '" + option + "': '" + value + "'; this build has only " + here);
    }

    /** Threads that will compute. */
    int threads() {
        return Library.cpu().threads();
    }

    String precision() {
        return precision.toLowerCase(Locale.ROOT);
    }

    /** Loads the model with the usual settings. */
    Clip open() {
        return open(Clip.builder());
    }

    Clip open(Clip.Builder builder) {
        String name = model();
        apply();
        return builder.load(Path.of(name));
    }

    ParameterException wrong(String message) {
        if (spec == null) {
            throw new IllegalStateException(message);
        }
        return new ParameterException(spec.commandLine(), message);
    }
}
