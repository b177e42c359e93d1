package jclip.checkpoint;

import java.nio.charset.StandardCharsets;

/**
 * Weights, pixels and tokens made from a hash instead of stored, so that full-size models can be tested and timed
 * without a download. Element i of a tensor is {@code offset + v(i) * scale}, where {@code v} is 24 bits of splitmix64
 * seeded by the FNV-1a hash of salt and name, in [-1, 1), exact in fp32. The scales keep activations of all towers near
 * unit size.
 */
public final class Formula {
    private static final long STEP = 0x9E3779B97F4A7C15L;
    private static final float HALF = 1 << 23;

    private Formula() {}

    /** FNV-1a of salt and name, in the variant that the generator uses: 64 bits, UTF-8. */
    static long hash(String salt, String name) {
        long h = 0xCBF29CE484222325L;
        for (byte b : (salt + name).getBytes(StandardCharsets.UTF_8)) {
            h = (h ^ (b & 0xff)) * 0x100000001B3L;
        }
        return h;
    }

    /** 24 bits for element i. */
    static int bits(long hash, long i) {
        long z = hash + (i + 1) * STEP;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return (int) ((z ^ (z >>> 31)) >>> 40);
    }

    /** The value in [-1, 1) for element i. */
    static float value(long hash, long i) {
        return (bits(hash, i) - HALF) / HALF;
    }

    static void fill(float[] target, long hash, long begin, float offset, float scale) {
        for (int i = 0; i < target.length; i++) {
            target[i] = offset + value(hash, begin + i) * scale;
        }
    }

    /**
     * Normalised pixels: coarse blocks (8 x 8 a channel) with fine noise over them.
     *
     * @param salt put before the hashed names, normally empty
     * @param images number of pictures
     * @param size side in pixels
     * @return [images, 3, size, size], row-major
     */
    public static float[] pixels(String salt, int images, int size) {
        long coarse = hash(salt, "pixels.coarse");
        long fine = hash(salt, "pixels.fine");
        float[] pixels = new float[Math.multiplyExact(Math.multiplyExact(images, 3), Math.multiplyExact(size, size))];
        for (int plane = 0; plane < images * 3; plane++) {
            for (int y = 0; y < size; y++) {
                for (int x = 0; x < size; x++) {
                    int at = (plane * size + y) * size + x;
                    int block = (plane * 8 + y * 8 / size) * 8 + x * 8 / size;
                    pixels[at] = 2 * value(coarse, block) + 0.5f * value(fine, at);
                }
            }
        }
        return pixels;
    }

    /**
     * Token ids: start token {@code vocabSize - 2}, words, end token {@code vocabSize - 1}, zeros.
     *
     * @param salt put before the hashed name, normally empty
     * @param lengths tokens of each text, start and end counted
     * @return [lengths.length, contextLength], row-major
     */
    public static int[] tokens(String salt, int[] lengths, int contextLength, int vocabSize) {
        long hash = hash(salt, "tokens");
        int[] tokens = new int[Math.multiplyExact(lengths.length, contextLength)];
        for (int row = 0; row < lengths.length; row++) {
            if (lengths[row] < 2 || lengths[row] > contextLength) {
                throw new IllegalArgumentException("length " + lengths[row] + "; wanted 2 to " + contextLength);
            }
            int start = row * contextLength;
            for (int position = 1; position < lengths[row] - 1; position++) {
                long bits = bits(hash, start + position);
                tokens[start + position] = 1 + (int) ((bits * (vocabSize - 3)) >> 24);
            }
            tokens[start] = vocabSize - 2;
            tokens[start + lengths[row] - 1] = vocabSize - 1;
        }
        return tokens;
    }

    /** Offset and scale of a tensor, by its name and shape. */
    static FormulaTensor tensor(String salt, String name, long[] shape, Architecture architecture) {
        float[] offsetScale = offsetScale(name, shape, architecture);
        return new FormulaTensor(shape, hash(salt, name), offsetScale[0], offsetScale[1]);
    }

    private static float[] offsetScale(String name, long[] shape, Architecture architecture) {
        if (name.equals("logit_scale")) {
            return new float[] {Float.intBitsToFloat(0x40935d8e), 0};
        }
        if (name.contains(".bn") || name.contains("downsample.1")) {
            return batchNorm(name, architecture);
        }
        if (name.contains("ln_")) {
            return name.endsWith(".weight") ? new float[] {1, 0.125f} : new float[] {0, 0.0625f};
        }
        if (name.endsWith("bias")) {
            return new float[] {0, name.contains("attnpool") || name.endsWith("in_proj_bias") ? 0.125f : 0.0625f};
        }
        return new float[] {0, plainScale(name, shape)};
    }

    private static float[] batchNorm(String name, Architecture architecture) {
        if (name.endsWith(".running_mean")) {
            return new float[] {0, 0.25f};
        }
        if (name.endsWith(".running_var")) {
            return new float[] {1, 0.25f};
        }
        boolean weight = name.endsWith(".weight");
        if (!name.startsWith("visual.layer")) {
            return weight ? new float[] {1, 0.125f} : new float[] {0, 0.25f};
        }
        if (name.contains("downsample")) {
            return weight ? new float[] {1, 0.125f} : new float[] {-0.3125f, 0.25f};
        }
        if (!name.contains(".bn3.")) {
            return weight ? new float[] {1.25f, 0.125f} : new float[] {-0.25f, 0.25f};
        }
        int stage = name.charAt("visual.layer".length()) - '1';
        int blocks = ((Architecture.ResNet) architecture.vision()).layers().get(stage);
        return weight
                ? new float[] {(float) (0.5 / Math.sqrt(blocks)), 0.0625f}
                : new float[] {(float) (-0.25 / blocks), 0.125f};
    }

    private static float plainScale(String name, long[] shape) {
        if (name.equals("visual.class_embedding")) {
            return 1.5f;
        }
        if (name.equals("token_embedding.weight") || name.equals("visual.attnpool.positional_embedding")) {
            return 1;
        }
        if (name.endsWith("positional_embedding")) {
            return 0.5f;
        }
        double fanIn = 1;
        for (int d = 1; d < shape.length; d++) {
            fanIn *= shape[d];
        }
        if (name.equals("visual.proj") || name.equals("text_projection")) {
            fanIn = shape[0];
        }
        return (float) (gain(name, shape) * Math.sqrt(3 / fanIn));
    }

    private static double gain(String name, long[] shape) {
        if (name.contains("in_proj")) {
            return 1.4;
        }
        if (name.contains("out_proj")) {
            return 0.6;
        }
        if (name.contains("mlp.c_proj")) {
            return 0.8;
        }
        if (name.contains("attnpool.q_proj")) {
            return 2.5;
        }
        if (name.contains("attnpool.k_proj")) {
            return 2;
        }
        return shape.length == 4 && !name.equals("visual.conv1.weight") ? Math.sqrt(2) : 1;
    }
}
