package jclip.tools.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** The generated world: the same everywhere, its captions true, and the held-out kinds really held out. */
class WorldTest {
    private static final int SAMPLES = 3000;
    private static final int SIDE = 64;
    private final World training = World.training(7, SAMPLES, SIDE);
    private final World unseen = World.unseen(7, 16, SIDE);

    @Test
    void samplesAreAFunctionOfSeedSetAndNumber() {
        World again = World.training(7, 10, SIDE);
        for (int i = 9; i >= 0; i--) {
            assertThat(again.rgb(i, SIDE)).isEqualTo(training.rgb(i, SIDE));
            assertThat(again.caption(i, 2)).isEqualTo(training.caption(i, 2));
            assertThat(again.rgb(i, SIDE)).isNotEqualTo(training.rgb(i + 1, SIDE));
            assertThat(World.training(8, 10, SIDE).rgb(i, SIDE)).isNotEqualTo(training.rgb(i, SIDE));
        }
    }

    @Test
    void bytesAreKnown() {
        CRC32 pictures = new CRC32();
        CRC32 captions = new CRC32();
        for (World world : List.of(training, unseen)) {
            for (int i = 0; i < 300; i++) {
                pictures.update(world.rgb(i, SIDE));
                for (int c = 0; c < world.captionCount(i); c++) {
                    captions.update(world.caption(i, c).getBytes(StandardCharsets.UTF_8));
                }
            }
        }
        assertThat(Long.toHexString(pictures.getValue())).isEqualTo("53a30f6f");
        assertThat(Long.toHexString(captions.getValue())).isEqualTo("68f28518");
    }

    @Test
    void heldOutKindsAreNeverInTraining() {
        assertThat(Kind.unseen()).hasSize(32).doesNotContainAnyElementsOf(Kind.seen());
        assertThat(Kind.seen()).hasSize(224);
        Set<Kind> met = new HashSet<>();
        for (int i = 0; i < SAMPLES; i++) {
            met.add(training.scene(i).kind());
            for (int c = 0; c < training.captionCount(i); c++) {
                Set<String> words = words(training.caption(i, c));
                for (Kind kind : Kind.unseen()) {
                    assertThat(says(words, kind)).as(training.caption(i, c)).isFalse();
                }
            }
        }
        assertThat(met).hasSize(224).allMatch(Kind.seen()::contains);
        // The check above can fail: the same question has the other answer in the other set.
        assertThat(says(words(unseen.caption(0, 0)), unseen.scene(0).kind())).isTrue();
    }

    private static boolean says(Set<String> words, Kind kind) {
        return words.contains(kind.color().word())
                && words.contains(kind.texture().word())
                && (words.contains(kind.shape().word(1))
                        || words.contains(kind.shape().word(2)));
    }

    @Test
    void eachPartOfAHeldOutKindIsSeenWithEachOther() {
        for (Kind kind : Kind.unseen()) {
            assertThat(Kind.seen())
                    .anyMatch(k -> k.color() == kind.color() && k.shape() == kind.shape())
                    .anyMatch(k -> k.color() == kind.color() && k.texture() == kind.texture())
                    .anyMatch(k -> k.shape() == kind.shape() && k.texture() == kind.texture());
        }
        for (Color color : Color.values()) {
            assertThat(Kind.unseen()).filteredOn(k -> k.color() == color).hasSize(4);
        }
        for (Shape shape : Shape.values()) {
            assertThat(Kind.unseen()).filteredOn(k -> k.shape() == shape).hasSize(4);
        }
        for (Texture texture : Texture.values()) {
            assertThat(Kind.unseen()).filteredOn(k -> k.texture() == texture).hasSize(8);
        }
    }

    /** Every word that could be false is compared with the scene. */
    @Test
    void captionsAreTrue() {
        for (World world : List.of(training, unseen)) {
            for (int i = 0; i < Math.min(world.size(), 1000); i++) {
                for (int c = 0; c < world.captionCount(i); c++) {
                    assertTrue(world.caption(i, c), world.scene(i), c == 0 && world == unseen);
                }
            }
        }
    }

    private static void assertTrue(String caption, Scene scene, boolean full) {
        Set<String> words = words(caption);
        Kind kind = scene.kind();
        int count = scene.layout().count;
        only(caption, words, true, kind.color().word(), Color.values());
        only(caption, words, full, kind.texture().word(), Texture.values());
        only(caption, words, full, scene.background().word(), Background.values());
        for (Shape shape : Shape.values()) {
            for (int n = 1; n <= 2; n++) {
                assertThat(words.contains(shape.word(n)))
                        .as(caption)
                        .isEqualTo(shape == kind.shape() && Math.min(count, 2) == n);
            }
        }
        assertThat(words.contains("two")).as(caption).isEqualTo(count == 2);
        assertThat(words.contains("three")).as(caption).isEqualTo(count == 3);
        boolean small = words.contains("small") || words.contains("little");
        boolean large = words.contains("large") || words.contains("big");
        assertThat(small && scene.size() == Size.LARGE || large && scene.size() == Size.SMALL)
                .as(caption)
                .isFalse();
        assertThat(!full || small || large).as(caption).isTrue();
        assertPlace(caption, scene.layout(), full);
    }

    private static void assertPlace(String caption, Layout layout, boolean full) {
        record Place(String words, Set<Layout> layouts) {}
        List<Place> places = List.of(
                new Place(" the left", Set.of(Layout.LEFT)),
                new Place(" the right", Set.of(Layout.RIGHT)),
                new Place(" the top", Set.of(Layout.TOP)),
                new Place(" the bottom", Set.of(Layout.BOTTOM)),
                new Place(" the middle", Set.of(Layout.MIDDLE)),
                new Place(" the center", Set.of(Layout.MIDDLE)),
                new Place(" side by side", Set.of(Layout.TWO_ACROSS, Layout.THREE_ACROSS)),
                new Place(" next to each other", Set.of(Layout.TWO_ACROSS)),
                new Place(" in a row", Set.of(Layout.THREE_ACROSS)),
                new Place(" one above the other", Set.of(Layout.TWO_DOWN, Layout.THREE_DOWN)),
                new Place(" in a column", Set.of(Layout.TWO_DOWN, Layout.THREE_DOWN)));
        List<Place> said =
                places.stream().filter(p -> caption.contains(p.words)).toList();
        assertThat(said).as(caption).allMatch(p -> p.layouts.contains(layout));
        assertThat(said).as(caption).hasSizeBetween(full ? 1 : 0, 1);
    }

    private static void only(String caption, Set<String> words, boolean required, String word, Enum<?>[] all) {
        assertThat(!required || words.contains(word)).as(caption).isTrue();
        assertThat(Arrays.stream(all).map(Words::lower).filter(words::contains))
                .as(caption)
                .isSubsetOf(word);
    }

    private static Set<String> words(String caption) {
        return Set.of(Arrays.stream(caption.split(" ")).distinct().toArray(String[]::new));
    }

    /** The picture itself shows the colour, the place and the size of its scene. */
    @Test
    void picturesShowTheirScenes() {
        for (int i = 0; i < 500; i++) {
            Scene scene = training.scene(i);
            byte[] rgb = training.rgb(i, SIDE);
            double x = 0;
            double y = 0;
            int inside = 0;
            int nearest = 0;
            for (int p = 0; p < SIDE * SIDE; p++) {
                double ground = distance(rgb, p, scene.background().rgb);
                double thing = distance(rgb, p, scene.kind().color().rgb);
                if (thing < ground && thing < 60) {
                    inside++;
                    x += p % SIDE;
                    y += p / SIDE;
                    nearest += nearest(rgb, p) == scene.kind().color() ? 1 : 0;
                }
            }
            assertThat(inside).as(scene.toString()).isGreaterThan(10);
            assertThat(nearest).as(scene.toString()).isGreaterThan(inside * 6 / 10);
            double middle = (SIDE - 1) / 2.0;
            Layout layout = scene.layout();
            double side = x / inside - middle;
            double height = y / inside - middle;
            assertThat(Math.abs(side) > SIDE * 0.1)
                    .as(scene.toString())
                    .isEqualTo(layout == Layout.LEFT || layout == Layout.RIGHT);
            assertThat(Math.abs(height) > SIDE * 0.1)
                    .as(scene.toString())
                    .isEqualTo(layout == Layout.TOP || layout == Layout.BOTTOM);
            assertThat(layout == Layout.LEFT && side > 0 || layout == Layout.RIGHT && side < 0)
                    .as(scene.toString())
                    .isFalse();
            assertThat(layout == Layout.TOP && height > 0 || layout == Layout.BOTTOM && height < 0)
                    .as(scene.toString())
                    .isFalse();
        }
    }

    private static Color nearest(byte[] rgb, int pixel) {
        Color best = Color.RED;
        for (Color color : Color.values()) {
            best = distance(rgb, pixel, color.rgb) < distance(rgb, pixel, best.rgb) ? color : best;
        }
        return best;
    }

    private static double distance(byte[] rgb, int pixel, int color) {
        double sum = 0;
        for (int c = 0; c < 3; c++) {
            double difference = (rgb[3 * pixel + c] & 255) - (color >> (16 - 8 * c) & 255);
            sum += difference * difference;
        }
        return Math.sqrt(sum);
    }

    @Test
    void unseenScenesAreAllDifferentAndLabelled() {
        assertThat(IntStream.range(0, unseen.size()).mapToObj(unseen::scene)).doesNotHaveDuplicates();
        assertThat(IntStream.range(0, unseen.size()).mapToObj(i -> unseen.caption(i, 0)))
                .doesNotHaveDuplicates();
        for (int i = 0; i < unseen.size(); i++) {
            assertThat(unseen.kinds().get(unseen.label(i)))
                    .isEqualTo(unseen.scene(i).kind());
        }
    }

    @Test
    void wrongArgumentsAreRefused() {
        assertThatThrownBy(() -> World.unseen(1, 73, SIDE)).hasMessageContaining("72");
        assertThatThrownBy(() -> World.training(1, 0, SIDE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> training.caption(SAMPLES, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
