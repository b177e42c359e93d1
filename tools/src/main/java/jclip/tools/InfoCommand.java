package jclip.tools;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Preprocess;
import jclip.model.Model;
import jclip.model.Shortcuts;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "info",
        description = "What a checkpoint holds and what running it takes.",
        footer = {"", "Example: jclip info --model formula:RN50"})
final class InfoCommand extends JclipCommand {
    private static final int LARGEST = 32;

    @Mixin
    private ModelOptions options = new ModelOptions();

    @Override
    public Integer call() {
        String name = options.model();
        options.apply();
        try (Checkpoint checkpoint = name.startsWith("formula:")
                ? Checkpoint.formula(name.substring("formula:".length()))
                : Checkpoint.open(Path.of(name))) {
            Map<String, Object> facts = facts(checkpoint);
            if (json) {
                printJson(facts);
            } else {
                Table table = new Table("ll");
                facts.forEach((key, value) -> table.row(key, shown(value)));
                out().print(table);
            }
        }
        return OK;
    }

    private static String shown(Object value) {
        return value instanceof Long number
                ? String.format(Locale.ROOT, "%,d", number)
                : JsonLine.of(value).replace("\"", "");
    }

    private static Map<String, Object> facts(Checkpoint checkpoint) {
        Architecture architecture = checkpoint.architecture();
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("source", checkpoint.source().toString());
        facts.put("layout", checkpoint.layout().name().toLowerCase(Locale.ROOT));
        facts.put("architecture", architecture(architecture));
        facts.put("parameters", architecture.parameters());
        facts.put("flops_image", Flops.image(architecture));
        facts.put("flops_text", Flops.text(architecture));
        try (Model model = Model.load(checkpoint, new Model.Options(0, 1, LARGEST, 0, Shortcuts.ALL))) {
            Map<String, Object> batches = new LinkedHashMap<>();
            for (int batch : new int[] {1, 8, LARGEST}) {
                Model.Memory memory = model.plan(batch);
                Map<String, Object> bytes = new LinkedHashMap<>();
                bytes.put("image", memory.image());
                bytes.put("text", memory.text());
                batches.put(Integer.toString(batch), bytes);
            }
            facts.put("weight_bytes", model.plan(1).weights());
            facts.put("plan_bytes", batches);
        }
        facts.put("logit_scale", checkpoint.logitScale());
        facts.put("preprocess", preprocess(checkpoint.preprocess()));
        facts.put(
                "stored_types",
                checkpoint.names().stream()
                        .map(t -> checkpoint.dtype(t).name())
                        .distinct()
                        .sorted()
                        .toList());
        facts.put("precision", List.of("fp32"));
        facts.put(
                "precision_why",
                "weights are computed with in fp32 whatever the file stores; this build has no other kernels");
        return facts;
    }

    private static Map<String, Object> preprocess(Preprocess settings) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("size", settings.size());
        facts.put("resize_mode", settings.resizeMode());
        facts.put("interpolation", settings.interpolation());
        facts.put("mean", settings.mean());
        facts.put("std", settings.std());
        return facts;
    }

    private static Map<String, Object> architecture(Architecture architecture) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("embed_dim", architecture.embedDim());
        facts.put("activation", architecture.activation().name().toLowerCase(Locale.ROOT));
        Map<String, Object> vision = new LinkedHashMap<>();
        switch (architecture.vision()) {
            case Architecture.Vit vit -> {
                vision.put("type", "vit");
                vision.put("image_size", vit.imageSize());
                vision.put("patch_size", vit.patchSize());
                vision.put("width", vit.width());
                vision.put("layers", vit.layers());
                vision.put("heads", vit.heads());
                vision.put("head_dim", vit.headDim());
                vision.put("mlp_width", vit.mlpWidth());
            }
            case Architecture.ResNet net -> {
                vision.put("type", "resnet");
                vision.put("image_size", net.imageSize());
                vision.put("width", net.width());
                vision.put("layers", net.layers());
                vision.put("heads", net.heads());
                vision.put("head_dim", net.headDim());
                vision.put("attnpool_width", net.attnpoolWidth());
            }
        }
        facts.put("vision", vision);
        Architecture.Text t = architecture.text();
        Map<String, Object> text = new LinkedHashMap<>();
        text.put("context_length", t.contextLength());
        text.put("vocab_size", t.vocabSize());
        text.put("width", t.width());
        text.put("layers", t.layers());
        text.put("heads", t.heads());
        text.put("head_dim", t.headDim());
        text.put("mlp_width", t.mlpWidth());
        text.put("pool", t.pool().name().toLowerCase(Locale.ROOT));
        facts.put("text", text);
        return facts;
    }
}
