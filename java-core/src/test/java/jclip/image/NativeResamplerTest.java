package jclip.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.backend.NativeMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The native resampler gives the plain Java version's bytes, on every instruction set of this machine. */
class NativeResamplerTest {
    private static final int ROUNDS = 400;

    private final Scratch scratch = new Scratch();

    @AfterEach
    void release() {
        scratch.close();
        assertThat(NativeMemory.liveBytes()).isZero();
    }

    static List<Isa> sets() {
        return Stream.of(Isa.values())
                .filter(isa -> isa.compareTo(Library.cpu().bestIsa()) <= 0)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("sets")
    void sameBytes(Isa isa) {
        NativeResampler resampler = new NativeResampler(Library.cpu(), isa);
        Random random = new Random(17);
        for (int round = 0; round < ROUNDS; round++) {
            int channels = 1 + round % 4;
            Frame[] frames = frames(random);
            Interpolation filter = random.nextBoolean() ? Interpolation.BICUBIC : Interpolation.BILINEAR;
            byte[] in = pixels(random, frames[0].in() * frames[1].in() * channels);
            byte[] wanted = Resampler.resize8(in, channels, frames[0], frames[1], filter);
            if (Resampler.verticalFirst(frames[0], frames[1])) {
                continue;
            }
            byte[] found =
                    resampler.resize8(MemorySegment.ofArray(in), channels, frames[0], frames[1], filter, scratch);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment whole =
                        arena.allocate(in.length + NativeResampler.SLACK).asSlice(0, in.length);
                whole.copyFrom(MemorySegment.ofArray(in));
                assertThat(resampler.resize8(whole, channels, frames[0], frames[1], filter, scratch))
                        .isEqualTo(wanted);
            }
            assertThat(found)
                    .as("%s, %d channels, %s", Arrays.toString(frames), channels, filter)
                    .isEqualTo(wanted);
        }
    }

    @ParameterizedTest
    @MethodSource("sets")
    void sameTensor(Isa isa) {
        NativeResampler resampler = new NativeResampler(Library.cpu(), isa);
        Random random = new Random(18);
        float[] table = new float[3 * 256];
        for (int i = 0; i < table.length; i++) {
            table[i] = i;
        }
        for (int round = 0; round < ROUNDS / 4; round++) {
            int channels = round % 2 == 0 ? 3 : 1;
            Frame[] frames = frames(random);
            if (Resampler.verticalFirst(frames[0], frames[1])) {
                continue;
            }
            byte[] in = pixels(random, frames[0].in() * frames[1].in() * channels);
            byte[] bytes = Resampler.resize8(in, channels, frames[0], frames[1], Interpolation.BICUBIC);
            int row = frames[1].count() + 3;
            int plane = frames[0].count() * row + 5;
            float[] wanted = new float[3 * plane];
            Arrays.fill(wanted, -1);
            for (int i = 0; i < bytes.length / channels; i++) {
                for (int c = 0; c < 3; c++) {
                    int at = c * plane + i / frames[1].count() * row + i % frames[1].count();
                    wanted[at] = 256 * c + (bytes[i * channels + (channels == 3 ? c : 0)] & 255);
                }
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment tensor = arena.allocate(4L * wanted.length, 4);
                for (int i = 0; i < wanted.length; i++) {
                    tensor.setAtIndex(ValueLayout.JAVA_FLOAT, i, -1);
                }
                resampler.normalised(
                        MemorySegment.ofArray(in),
                        channels,
                        frames[0],
                        frames[1],
                        Interpolation.BICUBIC,
                        table,
                        tensor,
                        row,
                        plane,
                        scratch);
                assertThat(tensor.toArray(ValueLayout.JAVA_FLOAT))
                        .as(Arrays.toString(frames))
                        .isEqualTo(wanted);
            }
        }
    }

    /** Sizes from one pixel on, shrinking and growing, with and without a crop, sometimes one axis unchanged. */
    private static Frame[] frames(Random random) {
        int height = 1 + random.nextInt(random.nextInt(8) == 0 ? 700 : 90);
        int width = 1 + random.nextInt(random.nextInt(8) == 0 ? 700 : 90);
        int targetHeight = random.nextInt(5) == 0 ? height : 1 + random.nextInt(70);
        int targetWidth = random.nextInt(5) == 0 ? width : 1 + random.nextInt(70);
        if (random.nextBoolean()) {
            return Frame.of(height, width, targetHeight, targetWidth, ResizeMode.SQUASH, "random");
        }
        return Frame.of(height, width, targetHeight, targetHeight, ResizeMode.SHORTEST, "random");
    }

    /** Noise, or only the extremes, whose overshoot is clipped. */
    private static byte[] pixels(Random random, int count) {
        byte[] pixels = new byte[count];
        random.nextBytes(pixels);
        if (random.nextBoolean()) {
            for (int i = 0; i < count; i++) {
                pixels[i] = (byte) (pixels[i] < 0 ? 255 : 0);
            }
        }
        return pixels;
    }
}
