package jclip.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import jclip.backend.NativeMemory;
import jclip.checkpoint.Activation;
import jclip.checkpoint.Architecture;
import org.junit.jupiter.api.Test;

/** A model's life, its memory, and what it refuses. */
class ModelTest {
    private final Architecture architecture = SmallModels.vit(Activation.QUICK_GELU);

    @Test
    void steadyStateAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Model model = SmallModels.load(architecture, Shortcuts.ALL, 0);
                Arena arena = Arena.ofConfined()) {
            MemorySegment pixels = arena.allocate(3L * 48 * 48 * 7 * Float.BYTES, 64);
            MemorySegment out = arena.allocate(40L * 7 * Float.BYTES, 64);
            int[] tokens = SmallModels.tokens(7);
            Runnable call = () -> {
                model.encodeImages(pixels, 7, out, true);
                model.encodeTexts(tokens, 7, out, true);
            };
            for (int i = 0; i < 3000; i++) {
                call.run();
            }
            long nativeBefore = NativeMemory.liveBytes();
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 5; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 200; i++) {
                    call.run();
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least)
                    .as("bytes allocated by 200 image and 200 text calls")
                    .isZero();
            assertThat(NativeMemory.liveBytes()).isEqualTo(nativeBefore);
        }
    }

    @Test
    void nothingIsLeftAfterClose() {
        long before = NativeMemory.liveBytes();
        Model model = SmallModels.load(architecture, Shortcuts.ALL, 0);
        SmallModels.texts(model, SmallModels.tokens(3), 0, 3);
        assertThat(NativeMemory.liveBytes()).isGreaterThan(before);
        model.close();
        model.close();
        assertThat(NativeMemory.liveBytes()).isEqualTo(before);
        assertThatThrownBy(() -> SmallModels.texts(model, SmallModels.tokens(3), 0, 3))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void eightThreadsGetTheSameBits() throws Exception {
        float[] pixels = SmallModels.pixels(architecture, 8);
        int[] tokens = SmallModels.tokens(8);
        try (Model model = SmallModels.load(architecture, Shortcuts.ALL, 0);
                ExecutorService pool = Executors.newFixedThreadPool(8)) {
            float[] images = SmallModels.images(model, pixels, 0, 8);
            float[] texts = SmallModels.texts(model, tokens, 0, 8);
            CountDownLatch start = new CountDownLatch(8);
            List<Future<Boolean>> results = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                int mine = t;
                results.add(pool.submit((Callable<Boolean>) () -> {
                    start.countDown();
                    start.await();
                    boolean equal = true;
                    for (int i = 0; i < 40; i++) {
                        int n = 1 + (i + mine) % 8;
                        equal &= Arrays.equals(
                                SmallModels.images(model, pixels, 8 - n, n), 0, n * 40, images, (8 - n) * 40, 320);
                        equal &= Arrays.equals(
                                SmallModels.texts(model, tokens, 8 - n, n), 0, n * 40, texts, (8 - n) * 40, 320);
                    }
                    return equal;
                }));
            }
            for (Future<Boolean> result : results) {
                assertThat(result.get()).isTrue();
            }
        }
    }

    /** Calls that run while the model is closed either finish with the right bits or are refused; none sees freed memory. */
    @Test
    void closeWaitsForCallsInFlight() throws Exception {
        int[] tokens = SmallModels.tokens(16);
        for (int round = 0; round < 10; round++) {
            Model model = SmallModels.load(architecture, Shortcuts.ALL, 0);
            float[] expected = SmallModels.texts(model, tokens, 0, 16);
            CountDownLatch running = new CountDownLatch(4);
            try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
                List<Future<Boolean>> results = new ArrayList<>();
                for (int t = 0; t < 4; t++) {
                    results.add(pool.submit((Callable<Boolean>) () -> {
                        boolean equal = true;
                        try {
                            while (true) {
                                equal &= Arrays.equals(SmallModels.texts(model, tokens, 0, 16), expected);
                                running.countDown();
                            }
                        } catch (IllegalStateException e) {
                            return equal;
                        }
                    }));
                }
                running.await();
                model.close();
                for (Future<Boolean> result : results) {
                    assertThat(result.get()).isTrue();
                }
            }
        }
    }

    @Test
    void planIsKept() {
        try (Model model = SmallModels.load(architecture, Shortcuts.ALL, 0)) {
            Model.Memory one = model.plan(1);
            Model.Memory most = model.plan(32);
            assertThat(most.image()).isGreaterThan(one.image());
            assertThat(most.text()).isGreaterThan(one.text());
            assertThat(one.weights()).isEqualTo(most.weights());
            assertThatThrownBy(() -> model.plan(33)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> model.plan(0)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void refusesWrongInput() {
        try (Model model = SmallModels.load(architecture, Shortcuts.ALL, 0);
                Arena arena = Arena.ofConfined()) {
            MemorySegment small = arena.allocate(16);
            MemorySegment out = arena.allocate(4096);
            assertThatThrownBy(() -> model.encodeImages(small, 1, out, true))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("pixels");
            assertThatThrownBy(() -> model.encodeImages(small, 0, out, true))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("batch of 0");
            assertThatThrownBy(() -> model.encodeTexts(new int[10], 1, out, true))
                    .isInstanceOf(IllegalArgumentException.class);
            int[] tokens = SmallModels.tokens(2);
            tokens[SmallModels.CONTEXT + 1] = SmallModels.VOCABULARY;
            assertThatThrownBy(() -> model.encodeTexts(tokens, 2, out, true))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("text 1, position 1: id 320");
            tokens[SmallModels.CONTEXT + 1] = -1;
            assertThatThrownBy(() -> model.encodeTexts(tokens, 2, out, true))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void namesThePictureWithNaN() {
        float[] pixels = SmallModels.pixels(architecture, 3);
        pixels[3 * 48 * 48 + 5] = Float.NaN;
        try (Model model = SmallModels.load(architecture, Shortcuts.ALL, 0)) {
            assertThatThrownBy(() -> SmallModels.images(model, pixels, 0, 3))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("image 1");
        }
    }

    @Test
    void optionsAreChecked() {
        assertThatThrownBy(() -> new Model.Options(0, 0, 3, 0, Shortcuts.ALL))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Model.Options(-1, 0, 4, 0, Shortcuts.ALL))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void pooledFeaturesAreThoseBeforeTheProjection() {
        for (Architecture each : List.of(architecture, SmallModels.resNet())) {
            float[] pixels = SmallModels.pixels(each, 5);
            boolean vit = each.vision() instanceof Architecture.Vit;
            String name = vit ? "visual.ln_post" : "image_features";
            try (Model model = SmallModels.load(each, Shortcuts.ALL, 0);
                    Arena arena = Arena.ofConfined()) {
                assertThat(model.pooledImageWidth()).isEqualTo(vit ? 96 : 40);
                MemorySegment in = arena.allocateFrom(ValueLayout.JAVA_FLOAT, pixels);
                MemorySegment out = arena.allocate(5L * model.pooledImageWidth() * Float.BYTES, 64);
                model.encodePooledImages(in, 5, out);
                assertThat(out.toArray(ValueLayout.JAVA_FLOAT))
                        .isEqualTo(model.imageActivations(in, 5, Set.of(name))
                                .get(name)
                                .data());
                MemorySegment small = out.asSlice(4);
                assertThatThrownBy(() -> model.encodePooledImages(in, 5, small)).hasMessageContaining("destination");
            }
        }
    }
}
