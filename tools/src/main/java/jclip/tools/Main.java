package jclip.tools;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import jclip.backend.Library;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** {@code jclip COMMAND ...}. Exit codes: 0 fine, 1 something failed, 2 wrong usage. */
@Command(
        name = "jclip",
        description = "CLIP on the CPU: pictures and texts in, vectors in one space out.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            EmbedCommand.class,
            ClassifyCommand.class,
            SimilarityCommand.class,
            TokenizeCommand.class,
            PreprocessCommand.class,
            InfoCommand.class,
            DoctorCommand.class,
            ConvertCommand.class,
            BenchCommand.class,
            OpCommand.class,
            TrainCommand.class,
            DataCommand.class,
            EvalCommand.class,
            DemoCommand.class
        },
        footer = {
            "",
            "Example: jclip classify --model ViT-B-32 --labels cat,dog photo.jpg",
            "Each command explains itself: jclip classify --help. Exit codes: 0 fine, 1 something failed, 2 wrong"
                    + " usage."
        })
public final class Main {
    /** Library version and the hash of its contract. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"jclip " + Library.cpu().version()};
        }
    }

    private Main() {}

    /** Runs a command and ends the process with its code. */
    public static void main(String... arguments) {
        PrintWriter out = utf8(FileDescriptor.out);
        PrintWriter err = utf8(FileDescriptor.err);
        int code = run(out, err, arguments);
        out.flush();
        err.flush();
        System.exit(code);
    }

    /** Runs a command and returns its code. */
    public static int run(PrintWriter out, PrintWriter err, String... arguments) {
        CommandLine line = new CommandLine(new Main()).setOut(out).setErr(err);
        line.setExpandAtFiles(false);
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setParameterExceptionHandler((problem, given) -> {
            String name = problem.getCommandLine().getCommandSpec().qualifiedName();
            err.println(name + ": " + problem.getMessage());
            err.println("See " + name + " --help.");
            return CommandLine.ExitCode.USAGE;
        });
        line.setExecutionExceptionHandler((problem, command, parsed) -> {
            err.println(command.getCommandSpec().qualifiedName() + ": " + message(problem));
            return CommandLine.ExitCode.SOFTWARE;
        });
        if (arguments.length == 0) {
            line.usage(err);
            return CommandLine.ExitCode.USAGE;
        }
        return line.execute(arguments);
    }

    /** What a person can act on; a defect of the program shows its class as well. */
    static String message(Throwable problem) {
        String text = problem.getMessage();
        boolean ours = problem.getClass().getName().startsWith("jclip.");
        boolean plain = ours || problem instanceof IllegalArgumentException || problem instanceof IllegalStateException;
        return plain && text != null ? text : problem.toString();
    }

    private static PrintWriter utf8(FileDescriptor file) {
        return new PrintWriter(new OutputStreamWriter(new FileOutputStream(file), StandardCharsets.UTF_8), false);
    }
}
