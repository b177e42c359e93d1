package jclip.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import jclip.checkpoint.CheckpointException.Reason;

/** Which file of a folder holds the weights. */
final class CheckpointFolder {
    /** Names that programs give them, the best first. */
    private static final List<String> KNOWN = List.of(
            "open_clip_model.safetensors",
            "model.safetensors",
            "model.safetensors.index.json",
            "open_clip_pytorch_model.bin",
            "pytorch_model.bin",
            "weights.safetensors",
            "model.pt");

    private static final List<String> SUFFIXES = List.of(".safetensors", ".pt", ".bin", ".pth", ".ckpt");

    private CheckpointFolder() {}

    static Path weights(Path folder) {
        for (String name : KNOWN) {
            if (Files.isRegularFile(folder.resolve(name))) {
                return folder.resolve(name);
            }
        }
        List<Path> candidates = candidates(folder);
        if (candidates.size() > 1) {
            candidates =
                    candidates.stream().filter(CheckpointFolder::holdsModel).toList();
        }
        if (candidates.size() == 1) {
            return candidates.getFirst();
        }
        throw Checkpoint.error(
                Reason.FILE_NOT_FOUND,
                folder,
                candidates.isEmpty()
                        ? "no weights in this folder; known names are " + KNOWN
                                + ", or one file *.safetensors, *.pt or *.bin"
                        : "several files may hold the weights: "
                                + candidates.stream().map(Path::getFileName).toList() + "; name one of them");
    }

    private static List<Path> candidates(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return new ArrayList<>(files.filter(Files::isRegularFile)
                    .filter(file ->
                            SUFFIXES.stream().anyMatch(suffix -> file.toString().endsWith(suffix)))
                    .sorted()
                    .toList());
        } catch (IOException e) {
            throw new CheckpointException(Reason.INPUT_OUTPUT, folder + ": cannot be listed: " + e, e);
        }
    }

    private static boolean holdsModel(Path file) {
        try (TensorFile tensors = CheckpointReader.container(file)) {
            return tensors.names().contains("logit_scale") || tensors.names().contains("module.logit_scale");
        } catch (CheckpointException e) {
            return false; // another kind of file; if all are, the message says what was looked for
        }
    }
}
