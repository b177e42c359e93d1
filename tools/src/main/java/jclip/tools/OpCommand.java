package jclip.tools;

import java.util.LinkedHashMap;
import java.util.Map;
import jclip.backend.Isa;
import jclip.backend.Library;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "op",
        description = {
            "Runs an operator again from a line that JCLIP_VERBOSE=1 printed: checks it against the plain version, and"
                    + " times it.",
            "The answer is one JSON object: error (relative L2), max_abs, pass, seconds (median), share_of_ceiling."
        },
        footer = {
            "",
            "Example: jclip op 'gather_rows isa=avx2 x=f32:3840 index=- y=f32:768 live=- rows=1 source_rows=5"
                    + " width=768 step=5'"
        })
final class OpCommand extends JclipCommand {
    /** Of two orders of addition in fp32; sums of thousands of terms stay an order of magnitude below. */
    private static final double LIMIT = 2e-5;

    @Parameters(index = "0", paramLabel = "LINE", description = "The line, with or without the time behind #.")
    private String text = "";

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Cap on the threads. Default: all.")
    private int threads;

    @Override
    public Integer call() {
        Library library = Library.cpu();
        OperatorLine line;
        try {
            line = OperatorLine.parse(text, library.header());
        } catch (IllegalArgumentException e) {
            throw wrong(Main.message(e));
        }
        if (line.isa().compareTo(library.bestIsa()) > 0) {
            throw new IllegalStateException(
                    "the line ran on " + line.isa() + ", this machine goes up to " + library.bestIsa());
        }
        Map<String, @Nullable Object> result = run(library, line);
        printJson(result);
        return Boolean.TRUE.equals(result.get("pass")) ? OK : FAILED;
    }

    private Map<String, @Nullable Object> run(Library library, OperatorLine line) {
        Map<String, @Nullable Object> result = new LinkedHashMap<>();
        result.put("operator", line.struct().operator());
        result.put("isa", line.isa().toString());
        try (Replay replay = new Replay(line, library, line.isa(), threads)) {
            replay.run();
            Map<String, float[]> found = replay.outputs();
            double[] errors;
            try (Replay plain = new Replay(line, library, Isa.REF, threads)) {
                plain.run();
                errors = errors(found, plain.outputs());
            }
            result.put("error", errors[0]);
            result.put("max_abs", errors[1]);
            result.put("tolerance", LIMIT);
            result.put("pass", errors[0] <= LIMIT);
            double seconds = replay.median();
            result.put("seconds", seconds);
            share(result, line, replay, seconds, library);
        }
        return result;
    }

    private void share(
            Map<String, @Nullable Object> result, OperatorLine line, Replay replay, double seconds, Library library) {
        Share share = Share.of(line, replay, seconds, library, threads == 0 ? library.threads() : threads);
        result.put(share.unit(), share.rate() / 1e9);
        result.put("share_of_ceiling", share.share());
        result.put("ceiling", share.ceiling());
    }

    /** Largest relative L2 and largest absolute difference; where both versions left the poison, nothing was to be written. */
    static double[] errors(Map<String, float[]> found, Map<String, float[]> plain) {
        double worst = 0;
        double widest = 0;
        for (Map.Entry<String, float[]> entry : found.entrySet()) {
            float[] expected = plain.getOrDefault(entry.getKey(), new float[0]);
            double error = 0;
            double norm = 0;
            int compared = 0;
            for (int i = 0; i < expected.length; i++) {
                float value = entry.getValue()[i];
                if (untouched(value) && untouched(expected[i])) {
                    continue;
                }
                compared++;
                double difference = (double) value - expected[i];
                error += difference * difference;
                norm += (double) expected[i] * expected[i];
                widest = Math.max(widest, Math.abs(difference));
            }
            double relative = error == 0 ? 0 : Math.sqrt(error / norm);
            worst = Double.isNaN(relative) || compared == 0 ? Double.POSITIVE_INFINITY : Math.max(worst, relative);
        }
        return new double[] {worst, widest};
    }

    private static boolean untouched(float value) {
        return Float.floatToRawIntBits(value) == -1;
    }
}
