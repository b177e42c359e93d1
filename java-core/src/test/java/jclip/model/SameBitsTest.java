package jclip.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.checkpoint.Activation;
import jclip.checkpoint.Architecture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The bits of an embedding depend on its picture or text alone. */
class SameBitsTest {
    private static final int COUNT = 37;
    private final int threads = Library.cpu().threads();

    /** Every kind of tower on every instruction set that this machine has. */
    static Stream<Arguments> towers() {
        return Stream.of(Isa.values())
                .filter(isa -> isa.compareTo(Library.cpu().bestIsa()) <= 0)
                .flatMap(isa -> Stream.of(
                        Arguments.of(Named.of("ViT, QuickGELU", SmallModels.vit(Activation.QUICK_GELU)), isa),
                        Arguments.of(Named.of("ViT, GELU", SmallModels.vit(Activation.GELU)), isa),
                        Arguments.of(Named.of("ResNet", SmallModels.resNet()), isa)));
    }

    @AfterEach
    void restoreThreads() {
        Library.cpu().threads(threads);
    }

    @ParameterizedTest
    @MethodSource("towers")
    void pictureAloneAndAnywhereInABatchAndOnAnyNumberOfThreads(Architecture architecture, Isa isa) {
        float[] pixels = SmallModels.pixels(architecture, COUNT);
        int width = architecture.embedDim();
        try (Model model = SmallModels.load(architecture, Shortcuts.ALL, 0, isa)) {
            Library.cpu().threads(1);
            float[][] alone = new float[COUNT][];
            for (int i = 0; i < COUNT; i++) {
                alone[i] = SmallModels.images(model, pixels, i, 1);
            }
            for (int n : new int[] {1, 2, 3, 7}) {
                Library.cpu().threads(n);
                for (int first : new int[] {0, 1, 5}) {
                    float[] batch = SmallModels.images(model, pixels, first, COUNT - first);
                    for (int i = first; i < COUNT; i++) {
                        assertThat(SmallModels.row(batch, width, i - first))
                                .as("picture %d at place %d of %d, %d threads", i, i - first, COUNT - first, n)
                                .isEqualTo(alone[i]);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("towers")
    void textAloneAndWithNeighboursOfOtherLengths(Architecture architecture, Isa isa) {
        int[] tokens = SmallModels.tokens(COUNT);
        int width = architecture.embedDim();
        try (Model model = SmallModels.load(architecture, Shortcuts.ALL, 0, isa)) {
            Library.cpu().threads(1);
            float[][] alone = new float[COUNT][];
            for (int i = 0; i < COUNT; i++) {
                alone[i] = SmallModels.texts(model, tokens, i, 1);
            }
            for (int n : new int[] {1, 2, 3, 7}) {
                Library.cpu().threads(n);
                for (int first : new int[] {0, 1, 5, 30}) {
                    float[] batch = SmallModels.texts(model, tokens, first, COUNT - first);
                    for (int i = first; i < COUNT; i++) {
                        assertThat(SmallModels.row(batch, width, i - first))
                                .as("text %d at place %d of %d, %d threads", i, i - first, COUNT - first, n)
                                .isEqualTo(alone[i]);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("towers")
    void withAndWithoutShortcuts(Architecture architecture, Isa isa) {
        float[] pixels = SmallModels.pixels(architecture, 5);
        int[] tokens = SmallModels.tokens(COUNT);
        float[] images;
        float[] texts;
        try (Model plain = SmallModels.load(architecture, Shortcuts.NONE, 0, isa)) {
            images = SmallModels.images(plain, pixels, 0, 5);
            texts = SmallModels.texts(plain, tokens, 0, COUNT);
        }
        for (Shortcuts shortcuts :
                new Shortcuts[] {Shortcuts.ALL, new Shortcuts(true, false), new Shortcuts(false, true)}) {
            try (Model model = SmallModels.load(architecture, shortcuts, 0, isa)) {
                assertThat(SmallModels.images(model, pixels, 0, 5))
                        .as("%s", shortcuts)
                        .isEqualTo(images);
                assertThat(SmallModels.texts(model, tokens, 0, COUNT))
                        .as("%s", shortcuts)
                        .isEqualTo(texts);
            }
        }
    }

    /** Instruction sets differ in bits, but not in more than rounding. */
    @Test
    void instructionSetsAgreeWithinRounding() {
        for (Architecture architecture : new Architecture[] {SmallModels.vit(Activation.GELU), SmallModels.resNet()}) {
            float[] pixels = SmallModels.pixels(architecture, 2);
            int[] tokens = SmallModels.tokens(2);
            float[] images;
            float[] texts;
            try (Model plain = SmallModels.load(architecture, Shortcuts.ALL, 0, Isa.REF)) {
                images = SmallModels.images(plain, pixels, 0, 2);
                texts = SmallModels.texts(plain, tokens, 0, 2);
            }
            try (Model fast = SmallModels.load(architecture, Shortcuts.ALL, 0)) {
                assertThat(distance(SmallModels.images(fast, pixels, 0, 2), images))
                        .isLessThan(1e-5);
                assertThat(distance(SmallModels.texts(fast, tokens, 0, 2), texts))
                        .isLessThan(1e-5);
            }
        }
    }

    private static double distance(float[] found, float[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) found[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / norm);
    }

    /** So that the comparisons above cannot pass on constants. */
    @Test
    void picturesAndTextsDiffer() {
        Architecture architecture = SmallModels.vit(Activation.GELU);
        try (Model model = SmallModels.load(architecture, Shortcuts.ALL, 0)) {
            float[] images = SmallModels.images(model, SmallModels.pixels(architecture, 2), 0, 2);
            float[] texts = SmallModels.texts(model, SmallModels.tokens(2), 0, 2);
            int width = architecture.embedDim();
            assertThat(SmallModels.row(images, width, 0)).isNotEqualTo(SmallModels.row(images, width, 1));
            assertThat(SmallModels.row(texts, width, 0)).isNotEqualTo(SmallModels.row(texts, width, 1));
        }
    }
}
