package jclip.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import jclip.checkpoint.CheckpointException.Reason;
import org.jspecify.annotations.Nullable;

/** Opens a checkpoint: container, layout, architecture, then every name and shape. */
final class CheckpointReader {
    private static final int LISTED = 20;

    private final TensorFile file;
    private final Path path;
    private final Checkpoint.Request request;
    private final SequencedMap<String, StoredTensor> tensors;

    private CheckpointReader(TensorFile file, Checkpoint.Request request) {
        this.file = file;
        this.path = file.source();
        this.request = request;
        this.tensors = withoutModulePrefix(file.stored());
    }

    static Checkpoint open(Path fileOrFolder, Checkpoint.Request request) {
        Path weights = Files.isDirectory(fileOrFolder) ? CheckpointFolder.weights(fileOrFolder) : fileOrFolder;
        TensorFile file = container(weights);
        try {
            return new CheckpointReader(file, request).read();
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    static TensorFile container(Path file) {
        String name = file.getFileName() + "";
        if (name.endsWith(".index.json")) {
            return ShardedSafetensors.open(file);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = Mapping.map(file, arena);
            String start = Mapping.ascii(bytes, 0, Math.min(bytes.byteSize(), 2));
            boolean torch = start.equals("PK") || start.equals("\u0080\u0002");
            if (!torch && List.of(".pt", ".bin", ".pth", ".ckpt").stream().noneMatch(name::endsWith)) {
                return Safetensors.open(file);
            }
        }
        return TorchArchive.open(file);
    }

    /** open_clip's training checkpoints come from a wrapper module, whose name precedes every tensor's. */
    private static SequencedMap<String, StoredTensor> withoutModulePrefix(SequencedMap<String, StoredTensor> stored) {
        String prefix = "module.";
        if (stored.isEmpty() || !stored.keySet().stream().allMatch(name -> name.startsWith(prefix))) {
            return stored;
        }
        SequencedMap<String, StoredTensor> stripped = new LinkedHashMap<>();
        stored.forEach((name, tensor) -> stripped.put(name.substring(prefix.length()), tensor));
        return stripped;
    }

    private Checkpoint read() {
        if (Naming.isHuggingFace(tensors.keySet())) {
            Path config = config(HuggingFaceConfig.FILE);
            if (config == null) {
                throw Checkpoint.error(
                        Reason.FILE_NOT_FOUND,
                        path,
                        "has Hugging Face's tensor names, but there is no config.json beside it, which says what the"
                                + " model is");
            }
            Architecture architecture = HuggingFaceConfig.architecture(Config.read(config));
            Path preprocessor = path.resolveSibling(HuggingFaceConfig.PREPROCESSOR);
            int size = architecture.vision().imageSize();
            return checkpoint(
                    Layout.HUGGINGFACE,
                    architecture,
                    Files.exists(preprocessor)
                            ? HuggingFaceConfig.preprocess(preprocessor, size)
                            : Preprocess.standard(size));
        }
        Path config = config(OpenClipConfig.FILE);
        if (config != null) {
            Config parsed = Config.read(config);
            Architecture architecture = OpenClipConfig.architecture(parsed);
            return checkpoint(
                    Layout.OPENCLIP,
                    architecture,
                    OpenClipConfig.preprocess(parsed, architecture.vision().imageSize()));
        }
        Architecture architecture = ShapeInference.infer(path, tensors, inferredActivation());
        return checkpoint(
                Layout.OPENAI,
                architecture,
                Preprocess.standard(architecture.vision().imageSize()));
    }

    private @Nullable Path config(String name) {
        if (request.config() != null) {
            return request.config();
        }
        Path beside = path.resolveSibling(name);
        return Files.exists(beside) ? beside : null;
    }

    private boolean isOpenAi() {
        return tensors.keySet().containsAll(Naming.OPENAI_MARKS);
    }

    private Activation inferredActivation() {
        boolean training = file instanceof TorchArchive torch && torch.isTrainingCheckpoint();
        if (!training || isOpenAi()) {
            return Activation.QUICK_GELU;
        }
        if (request.activation() == null) {
            throw Checkpoint.error(
                    Reason.FILE_NOT_FOUND,
                    path,
                    "is a training checkpoint, which does not say what the model"
                            + " is; put open_clip_config.json beside it");
        }
        return request.activation();
    }

    private Checkpoint checkpoint(Layout layout, Architecture architecture, Preprocess preprocess) {
        checkActivation(layout, architecture.activation());
        SequencedMap<String, Weight> weights = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        List<String> wrong = new ArrayList<>();
        Set<String> unexpected = new LinkedHashSet<>(tensors.keySet());
        unexpected.removeIf(Naming::isIgnored);
        architecture.tensors().forEach((name, shape) -> {
            List<StoredTensor> parts = new ArrayList<>();
            for (Naming.Part part : Naming.parts(layout, name, shape)) {
                StoredTensor tensor = tensors.get(part.name());
                unexpected.remove(part.name());
                if (tensor == null) {
                    missing.add("'" + part.name() + "' " + StoredTensor.text(part.shape()));
                } else if (!fits(name, tensor.shape(), part.shape())) {
                    wrong.add("'" + part.name() + "' found " + StoredTensor.text(tensor.shape()) + ", wanted "
                            + StoredTensor.text(part.shape()));
                } else {
                    checkType(part.name(), tensor.dtype());
                    parts.add(part.transposed() ? tensor.transposed() : tensor);
                }
            }
            weights.put(name, new Weight.Stored(shape, List.copyOf(parts)));
        });
        complain(layout, missing, unexpected, wrong);
        return new Checkpoint(path, layout, architecture, preprocess, weights, file);
    }

    private static boolean fits(String name, long[] found, long[] wanted) {
        return Arrays.equals(found, wanted) || (name.equals("logit_scale") && Arrays.equals(found, new long[] {1}));
    }

    private void checkType(String name, DType type) {
        if (!type.isWeight()) {
            throw Checkpoint.error(
                    Reason.WRONG_DTYPE,
                    path,
                    "tensor '" + name + "' has dtype " + type + "; weights must be F64, F32, F16 or BF16");
        }
    }

    private void checkActivation(Layout layout, Activation found) {
        Activation wanted = request.activation();
        if (wanted != null && wanted != found) {
            throw Checkpoint.error(
                    Reason.ACTIVATION_MISMATCH,
                    path,
                    "has activation " + found.configName()
                            + (layout == Layout.OPENAI ? " (as all OpenAI models)" : " by its configuration")
                            + ", asked for was "
                            + wanted.configName() + "; leave the request out, or correct the configuration");
        }
        if (layout == Layout.OPENCLIP && found == Activation.GELU && isOpenAi()) {
            throw Checkpoint.error(
                    Reason.ACTIVATION_MISMATCH,
                    path,
                    "holds input_resolution, context_length and vocab_size, the marks of an OpenAI model (activation"
                            + " quick_gelu), but its configuration has no \"quick_gelu\": true; add it, or remove these"
                            + " three tensors if the model really has GELU");
        }
    }

    private void complain(Layout layout, List<String> missing, Set<String> unexpected, List<String> wrong) {
        if (missing.isEmpty() && unexpected.isEmpty() && wrong.isEmpty()) {
            return;
        }
        List<String> extra = tensors.entrySet().stream()
                .filter(entry -> unexpected.contains(entry.getKey()))
                .map(entry -> "'" + entry.getKey() + "' "
                        + StoredTensor.text(entry.getValue().shape()))
                .toList();
        Reason reason = !missing.isEmpty()
                ? Reason.MISSING_TENSOR
                : !extra.isEmpty() ? Reason.UNEXPECTED_TENSOR : Reason.WRONG_SHAPE;
        throw Checkpoint.error(
                reason,
                path,
                "the tensors do not fit the architecture (layout " + layout + ")" + list("missing", missing)
                        + list("unexpected", extra) + list("wrong shape", wrong));
    }

    private static String list(String what, List<String> items) {
        if (items.isEmpty()) {
            return "";
        }
        String more = items.size() > LISTED ? ", and " + (items.size() - LISTED) + " more" : "";
        return "; " + what + ": " + String.join(", ", items.subList(0, Math.min(LISTED, items.size()))) + more;
    }
}
