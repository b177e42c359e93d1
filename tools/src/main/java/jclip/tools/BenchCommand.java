package jclip.tools;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.checkpoint.Checkpoint;
import jclip.model.Model;
import jclip.model.Shortcuts;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "bench",
        description = {
            "Throughput of a tower on ready tensors; without --model a short run over operators and towers.",
            "gflops counts the architecture's operations, without the savings that leave out what cannot matter."
        },
        footer = {"", "Example: jclip bench --model formula:ViT-B-32 --tower image --batch 32 --threads 2 --seconds 10"
        })
final class BenchCommand extends JclipCommand {
    enum Tower {
        IMAGE,
        TEXT
    }

    private static final int LARGEST = 4096;
    private static final double SHORT = 1;
    private static final List<String> OPERATORS = List.of(
            "gemm isa=%s a=f32:38400 packed=gemm_pack:3072x768 bias=f32:3072 residual=- y=f32:153600 live=- rows=50"
                    + " n=3072 k=768 lda=768 ld_residual=0 ldy=3072 activation=2 precision=0",
            "gemm isa=%s a=f32:1228800 packed=gemm_pack:768x768 bias=f32:768 residual=- y=f32:1228800 live=- rows=1600"
                    + " n=768 k=768 lda=768 ld_residual=0 ldy=768 activation=0 precision=0",
            "attention isa=%s q=f32:307200 k=f32:307200 v=f32:307200 y=f32:307200 table=- live=- sequences=8"
                    + " q_tokens=50 kv_tokens=50 rows=400 heads=12 head_dim=64 ldq=768 ldk=768 ldv=768 ldy=768 causal=0"
                    + " scale=0.125",
            "layer_norm isa=%s x=f32:307200 residual=- weight=f32:768 bias=f32:768 sum=- y=f32:307200 live=- rows=400"
                    + " width=768 epsilon=1.0E-5",
            "conv2d isa=%s x=f32:200704 packed=conv2d_pack:64x64x3 bias=f32:64 residual=- y=f32:200704 batch=1"
                + " height=56 width=56 channels=64 x_batch=200704 x_row=3584 x_column=64 x_channel=1 out_channels=64"
                + " kernel=3 stride=1 padding=1 activation=1");

    @Mixin
    private ModelOptions options = new ModelOptions();

    @Option(names = "--tower", paramLabel = "T", description = "image or text. Default: image.")
    private Tower tower = Tower.IMAGE;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "1",
            description = "Pictures or texts a call. Default: 1.")
    private int batch = 1;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "5", description = "How long to measure. Default: 5.")
    private double seconds = 5;

    @Option(
            names = "--lengths",
            paramLabel = "F",
            description =
                    "Tokens of each text, one integer a line, start and end token counted. Default: the full context.")
    private @Nullable Path lengths;

    @Override
    public Integer call() throws IOException {
        if (batch < 1 || batch > LARGEST || !(seconds > 0) || seconds > 3600) {
            throw wrong("--batch must be 1 to " + LARGEST + " and --seconds above 0, at most 3600");
        }
        options.apply();
        if (options.hasModel()) {
            try (Model model = load(options.model(), batch)) {
                print(measure(model));
            }
        } else {
            survey();
        }
        return OK;
    }

    private static Model load(String name, int batch) {
        int largest = Math.max(1, Integer.highestOneBit(batch) == batch ? batch : Integer.highestOneBit(batch) << 1);
        try (Checkpoint checkpoint = name.startsWith("formula:")
                ? Checkpoint.formula(name.substring("formula:".length()))
                : Checkpoint.open(Path.of(name))) {
            return Model.load(checkpoint, new Model.Options(0, 1, largest, 0, Shortcuts.ALL));
        }
    }

    private Map<String, Object> measure(Model model) throws IOException {
        TowerTiming timing = new TowerTiming(model, batch, seconds);
        return tower == Tower.IMAGE
                ? timing.image()
                : timing.text(textLengths(model.architecture().text().contextLength()));
    }

    private int[] textLengths(int context) throws IOException {
        if (lengths == null) {
            return new int[] {context};
        }
        List<Integer> read = new ArrayList<>();
        for (String line : TextLines.read(lengths)) {
            try {
                read.add(Integer.parseInt(line));
            } catch (NumberFormatException e) {
                throw wrong(lengths + ": '" + line + "' is no integer");
            }
        }
        if (read.isEmpty() || read.stream().anyMatch(n -> n < 2 || n > context)) {
            throw wrong(lengths + ": wanted lengths from 2 to " + context + ", one a line");
        }
        return read.stream().mapToInt(n -> n).toArray();
    }

    private void print(Map<String, Object> facts) {
        if (json) {
            printJson(facts);
            return;
        }
        Table table = new Table("lr");
        facts.forEach((key, value) -> table.row(key, shown(value)));
        out().print(table);
    }

    private static String shown(Object value) {
        return switch (value) {
            case Double number -> String.format(Locale.ROOT, "%.4f", number);
            case Long number -> String.format(Locale.ROOT, "%,d", number);
            default -> value.toString();
        };
    }

    private void survey() {
        List<Map<String, Object>> operators = new ArrayList<>();
        Library library = Library.cpu();
        for (String operator : OPERATORS) {
            operators.add(operator(library, String.format(Locale.ROOT, operator, library.isa())));
        }
        List<Map<String, Object>> towers = new ArrayList<>();
        for (String name : new String[] {"formula:ViT-B-32", "formula:RN50"}) {
            try (Model model = load(name, 8)) {
                for (int size : new int[] {1, 8}) {
                    towers.add(named(name, new TowerTiming(model, size, SHORT).image()));
                }
                towers.add(named(name, new TowerTiming(model, 8, SHORT).text(new int[] {
                            model.architecture().text().contextLength()
                        })));
            }
        }
        if (json) {
            printJson(Map.of("operators", operators, "towers", towers));
        } else {
            tables(operators, towers);
        }
    }

    private static Map<String, Object> operator(Library library, String text) {
        OperatorLine line = OperatorLine.parse(text, library.header());
        try (Replay replay = new Replay(line, library, Isa.of(library.isa().name()), 0)) {
            replay.run();
            double seconds = replay.median();
            Share share = Share.of(line, replay, seconds, library, library.threads());
            Map<String, Object> facts = new LinkedHashMap<>();
            facts.put("line", text);
            facts.put("seconds", seconds);
            facts.put(share.unit(), share.rate() / 1e9);
            Double part = share.share();
            if (part != null) {
                facts.put("share_of_ceiling", part);
            }
            return facts;
        }
    }

    private static Map<String, Object> named(String name, Map<String, Object> facts) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", name);
        all.putAll(facts);
        return all;
    }

    private void tables(List<Map<String, Object>> operators, List<Map<String, Object>> towers) {
        Table first = new Table("lrr", "operator", "microseconds", "share of ceiling");
        for (Map<String, Object> facts : operators) {
            String line = String.valueOf(facts.get("line"));
            first.row(
                    line.replaceAll(
                            " \\w+=(f32|gemm_pack|conv2d_pack)\\S*| \\w+=-| ld\\w+=\\d+| x_\\w+=\\d+| isa=\\w+", ""),
                    String.format(Locale.ROOT, "%.1f", (Double) facts.getOrDefault("seconds", 0.0) * 1e6),
                    percent(facts.get("share_of_ceiling")));
        }
        out().println(first);
        Table second = new Table("llrrrr", "model", "tower", "batch", "a second", "GFLOP/s", "share of ceiling");
        for (Map<String, Object> facts : towers) {
            second.row(
                    String.valueOf(facts.get("model")),
                    String.valueOf(facts.get("tower")),
                    String.valueOf(facts.get("batch")),
                    shown(facts.getOrDefault("samples_per_second", 0.0)),
                    shown(facts.getOrDefault("gflops", 0.0)),
                    percent(facts.get("share_of_ceiling")));
        }
        out().print(second);
    }

    private static String percent(@Nullable Object share) {
        return share instanceof Double part ? String.format(Locale.ROOT, "%.0f %%", 100 * part) : "";
    }
}
