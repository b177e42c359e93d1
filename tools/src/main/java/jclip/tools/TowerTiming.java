package jclip.tools;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import jclip.backend.Library;
import jclip.backend.NativeMemory;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Formula;
import jclip.model.Model;

/** Times a tower on ready tensors: a warm-up, then calls for some seconds; the median counts. */
final class TowerTiming {
    private static final int LEAST = 3;

    private final Model model;
    private final int batch;
    private final double seconds;

    TowerTiming(Model model, int batch, double seconds) {
        this.model = model;
        this.batch = batch;
        this.seconds = seconds;
    }

    /** Pictures of the model's size. */
    Map<String, Object> image() {
        Architecture architecture = model.architecture();
        long size = architecture.vision().imageSize();
        try (NativeMemory pixels = NativeMemory.allocate(batch * 3 * size * size * Float.BYTES);
                NativeMemory out = NativeMemory.allocate((long) batch * architecture.embedDim() * Float.BYTES)) {
            NormalNumbers.fill(pixels.segment(), 1);
            return facts(
                    "image",
                    batch * Flops.image(architecture),
                    () -> model.encodeImages(pixels.segment(), batch, out.segment(), true));
        }
    }

    /**
     * Texts.
     *
     * @param lengths tokens of the texts, used round and round
     */
    Map<String, Object> text(int[] lengths) {
        Architecture architecture = model.architecture();
        int context = architecture.text().contextLength();
        int[] used = new int[batch];
        long flops = 0;
        for (int i = 0; i < batch; i++) {
            used[i] = lengths[i % lengths.length];
            flops += Flops.text(architecture, used[i]);
        }
        int[] tokens = Formula.tokens("", used, context, architecture.text().vocabSize());
        if (architecture.text().pool() == Architecture.Pool.EOS) {
            for (int i = 0; i < batch; i++) {
                tokens[i * context + used[i] - 1] = architecture.text().eosId();
            }
        }
        try (NativeMemory out = NativeMemory.allocate((long) batch * architecture.embedDim() * Float.BYTES)) {
            return facts("text", flops, () -> model.encodeTexts(tokens, batch, out.segment(), true));
        }
    }

    private Map<String, Object> facts(String tower, long flops, Runnable call) {
        double[] sorted = measure(call);
        double median = sorted[sorted.length / 2];
        long peak = peakBytes();
        Library library = Library.cpu();
        double ceiling = Ceiling.flops(library, library.isa(), library.threads());
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("tower", tower);
        facts.put("samples_per_second", batch / median);
        facts.put("gflops", flops / median / 1e9);
        facts.put("share_of_ceiling", flops / median / ceiling);
        facts.put("peak_rss_bytes", peak);
        facts.put("batch", batch);
        facts.put("threads", library.threads());
        facts.put("precision", "fp32");
        facts.put("isa", library.isa().toString());
        facts.put("calls", sorted.length);
        facts.put("seconds_per_call", median);
        facts.put("seconds_fastest", sorted[0]);
        facts.put("seconds_slowest", sorted[sorted.length - 1]);
        facts.put("ceiling_gflops", ceiling / 1e9);
        return facts;
    }

    /** Seconds of each call, sorted. */
    private double[] measure(Runnable call) {
        long warm = System.nanoTime() + (long) (Math.min(1, seconds / 4) * 1e9);
        for (int i = 0; i < 2 || System.nanoTime() < warm; i++) {
            call.run();
        }
        double[] times = new double[1024];
        int count = 0;
        long end = System.nanoTime() + (long) (seconds * 1e9);
        while (count < LEAST || System.nanoTime() < end) {
            if (count == times.length) {
                times = Arrays.copyOf(times, 2 * count);
            }
            long start = System.nanoTime();
            call.run();
            times[count++] = (System.nanoTime() - start) / 1e9;
        }
        double[] sorted = Arrays.copyOf(times, count);
        Arrays.sort(sorted);
        return sorted;
    }

    /** Highest resident memory of this process so far. */
    static long peakBytes() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
