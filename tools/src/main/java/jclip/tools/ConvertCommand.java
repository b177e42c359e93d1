package jclip.tools;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.DType;
import jclip.checkpoint.Layout;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "convert",
        description = "Writes a checkpoint as a new folder of safetensors, configuration and vocabulary.",
        footer = {"", "Example: jclip convert ViT-B-32.pt ViT-B-32 --layout openclip --dtype fp16"})
final class ConvertCommand extends JclipCommand {
    enum Target {
        OPENCLIP,
        HUGGINGFACE
    }

    enum Type {
        FP32,
        FP16,
        BF16
    }

    @Parameters(index = "0", paramLabel = "IN", description = "Checkpoint folder or file, or formula:NAME.")
    private String input = "";

    @Parameters(index = "1", paramLabel = "OUT", description = "A folder that does not exist yet, or is empty.")
    private Path output = Path.of("");

    @Option(names = "--layout", required = true, paramLabel = "L", description = "openclip or huggingface.")
    private Target layout = Target.OPENCLIP;

    @Option(names = "--dtype", paramLabel = "T", description = "fp32, fp16 or bf16. Default: as stored, bit for bit.")
    private @Nullable Type dtype;

    @Override
    public Integer call() {
        Layout to = layout == Target.OPENCLIP ? Layout.OPENCLIP : Layout.HUGGINGFACE;
        Map<String, Object> line = new LinkedHashMap<>();
        try (Checkpoint checkpoint = input.startsWith("formula:")
                ? Checkpoint.formula(input.substring("formula:".length()))
                : Checkpoint.open(Path.of(input))) {
            if (dtype == null) {
                checkpoint.write(output, to);
            } else {
                checkpoint.write(output, to, type(dtype));
            }
            line.put("input", input);
            line.put("output", output.toString());
            line.put("from", checkpoint.layout().name().toLowerCase(java.util.Locale.ROOT));
            line.put("layout", layout.name().toLowerCase(java.util.Locale.ROOT));
            line.put("dtype", dtype == null ? "as stored" : dtype.name().toLowerCase(java.util.Locale.ROOT));
            line.put("tensors", checkpoint.names().size());
            line.put("parameters", checkpoint.architecture().parameters());
        }
        if (json) {
            printJson(line);
        } else {
            out().println(output + "  " + line.get("tensors") + " tensors, " + line.get("layout") + ", "
                    + line.get("dtype"));
        }
        return OK;
    }

    private static DType type(Type type) {
        return switch (type) {
            case FP32 -> DType.F32;
            case FP16 -> DType.F16;
            case BF16 -> DType.BF16;
        };
    }
}
