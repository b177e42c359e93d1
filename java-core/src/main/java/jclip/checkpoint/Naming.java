package jclip.checkpoint;

import java.util.List;
import java.util.Map;

/** What a canonical tensor is called in a layout, and how it is cut and turned there. */
final class Naming {
    /** OpenAI's scalars that say what the model is; they mark a checkpoint as OpenAI's. */
    static final List<String> OPENAI_MARKS = List.of("input_resolution", "context_length", "vocab_size");

    private static final Map<String, String> HUGGING_FACE = Map.of(
            "visual.class_embedding", "vision_model.embeddings.class_embedding",
            "visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight",
            "visual.positional_embedding", "vision_model.embeddings.position_embedding.weight",
            "visual.proj", "visual_projection.weight",
            "token_embedding.weight", "text_model.embeddings.token_embedding.weight",
            "positional_embedding", "text_model.embeddings.position_embedding.weight",
            "text_projection", "text_projection.weight",
            "logit_scale", "logit_scale");
    private static final Map<String, String> HUGGING_FACE_NORMS = Map.of(
            "visual.ln_pre.", "vision_model.pre_layrnorm.",
            "visual.ln_post.", "vision_model.post_layernorm.",
            "ln_final.", "text_model.final_layer_norm.");
    private static final Map<String, String> HUGGING_FACE_BLOCK = Map.of(
            "attn.out_proj.", "self_attn.out_proj.",
            "ln_1.", "layer_norm1.",
            "ln_2.", "layer_norm2.",
            "mlp.c_fc.", "mlp.fc1.",
            "mlp.c_proj.", "mlp.fc2.");

    /** A tensor of a file that is a canonical tensor or a third of its rows. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Part(String name, long[] shape, boolean transposed) {}

    private Naming() {}

    static boolean isHuggingFace(Iterable<String> names) {
        for (String name : names) {
            if (name.startsWith("vision_model.") || name.startsWith("text_model.")) {
                return true;
            }
        }
        return false;
    }

    /** Tensors that some programs store and that are no weights. */
    static boolean isIgnored(String name) {
        return name.endsWith(".num_batches_tracked")
                || name.endsWith(".position_ids")
                || name.endsWith("attn_mask")
                || OPENAI_MARKS.contains(name);
    }

    /** The file's tensors, one below the other, that make a canonical one. */
    static List<Part> parts(Layout layout, String name, long[] shape) {
        if (layout != Layout.HUGGINGFACE) {
            return List.of(new Part(name, shape, false));
        }
        String whole = HUGGING_FACE.get(name);
        if (whole != null) {
            boolean transposed = name.equals("visual.proj") || name.equals("text_projection");
            return List.of(new Part(whole, transposed ? new long[] {shape[1], shape[0]} : shape, transposed));
        }
        int block = name.indexOf("resblocks.");
        if (block >= 0) {
            return blockParts(name, shape, block + "resblocks.".length());
        }
        String kind = name.substring(name.lastIndexOf('.') + 1);
        String norm = HUGGING_FACE_NORMS.get(name.substring(0, name.length() - kind.length()));
        if (norm == null) {
            throw new IllegalArgumentException("'" + name + "' has no name in Hugging Face's layout");
        }
        return List.of(new Part(norm + kind, shape, false));
    }

    private static List<Part> blockParts(String name, long[] shape, int index) {
        int dot = name.indexOf('.', index);
        String prefix = (name.startsWith("visual.") ? "vision_model" : "text_model") + ".encoder.layers."
                + name.substring(index, dot + 1);
        String rest = name.substring(dot + 1);
        if (rest.startsWith("attn.in_proj_")) {
            String kind = rest.substring("attn.in_proj_".length());
            long[] third = shape.clone();
            third[0] /= 3;
            return List.of("q_proj.", "k_proj.", "v_proj.").stream()
                    .map(part -> new Part(prefix + "self_attn." + part + kind, third, false))
                    .toList();
        }
        String kind = rest.substring(rest.lastIndexOf('.') + 1);
        String module = HUGGING_FACE_BLOCK.get(rest.substring(0, rest.length() - kind.length()));
        return List.of(new Part(prefix + module + kind, shape, false));
    }
}
