package jclip.tools;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import jclip.backend.NativeMemory;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;
import jclip.checkpoint.Formula;
import jclip.model.Model;
import jclip.model.Shortcuts;
import jclip.text.Tokenizer;

/**
 * Small models with weights by the formula against stored vectors of the reference (open_clip in double precision), and some token ids.
 *
 * @param facts error of each vector, by name
 * @param pass whether all are within their limits
 */
record SelfTest(Map<String, Object> facts, boolean pass) {
    private static final double LIMIT = 2e-5;

    static SelfTest run() {
        JsonObject stored = Resources.json("reference.json");
        Map<String, Object> facts = new LinkedHashMap<>();
        boolean pass = true;
        for (Object entry : stored.list("tiny")) {
            JsonObject reference = (JsonObject) entry;
            String name = reference.string("config").replace(".json", "");
            double[] errors = errors(reference);
            facts.put(name + " image", errors[0]);
            facts.put(name + " text", errors[1]);
            pass &= errors[0] <= LIMIT && errors[1] <= LIMIT;
        }
        facts.put("limit", LIMIT);
        JsonObject tokens = stored.object("tokens");
        boolean same =
                Arrays.equals(tokens.integers("ids"), Tokenizer.standard().encode(tokens.string("text")));
        facts.put("token ids", same ? "the reference's" : "differ from the reference's");
        pass &= same;
        facts.put("pass", pass);
        return new SelfTest(facts, pass);
    }

    private static double[] errors(JsonObject reference) {
        int[] lengths = reference.integers("lengths");
        int images = reference.integer("images");
        try (Checkpoint checkpoint = Resources.formula(reference.string("config"));
                Model model = Model.load(checkpoint, new Model.Options(0, 1, 8, 0, Shortcuts.ALL))) {
            Architecture architecture = model.architecture();
            float[] pixels = Formula.pixels("", images, architecture.vision().imageSize());
            int[] tokens = Formula.tokens(
                    "",
                    lengths,
                    architecture.text().contextLength(),
                    architecture.text().vocabSize());
            try (NativeMemory in = NativeMemory.allocate((long) pixels.length * Float.BYTES)) {
                MemorySegment.copy(pixels, 0, in.segment(), ValueLayout.JAVA_FLOAT, 0, pixels.length);
                return new double[] {
                    error(
                            model,
                            images,
                            out -> model.encodeImages(in.segment(), images, out, false),
                            reference.list("image_features")),
                    error(
                            model,
                            lengths.length,
                            out -> model.encodeTexts(tokens, lengths.length, out, false),
                            reference.list("text_features"))
                };
            }
        }
    }

    private static double error(Model model, int rows, Consumer<MemorySegment> encode, List<?> wanted) {
        try (NativeMemory out =
                NativeMemory.allocate((long) rows * model.architecture().embedDim() * Float.BYTES)) {
            encode.accept(out.segment());
            float[] found = out.segment().toArray(ValueLayout.JAVA_FLOAT);
            double error = 0;
            double norm = 0;
            for (int i = 0; i < found.length; i++) {
                double reference = ((Number) wanted.get(i)).doubleValue();
                error += (found[i] - reference) * (found[i] - reference);
                norm += reference * reference;
            }
            return found.length == wanted.size() ? Math.sqrt(error / norm) : Double.POSITIVE_INFINITY;
        }
    }
}
