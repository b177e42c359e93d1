package jclip.tools.world;

import java.util.ArrayList;
import java.util.List;

/**
 * What a thing is: one of 8 x 8 x 4 = 256 combinations. An eighth of them is held out of training: of every colour and
 * of every shape four, of every texture eight; each colour, shape, texture and each pair of them is seen in other
 * combinations.
 */
public record Kind(Color color, Shape shape, Texture texture) {
    private static final List<Kind> ALL = all();

    private static List<Kind> all() {
        List<Kind> kinds = new ArrayList<>();
        for (Color color : Color.values()) {
            for (Shape shape : Shape.values()) {
                for (Texture texture : Texture.values()) {
                    kinds.add(new Kind(color, shape, texture));
                }
            }
        }
        return List.copyOf(kinds);
    }

    /** All 224 that training sees. */
    public static List<Kind> seen() {
        return ALL.stream().filter(kind -> !kind.isHeldOut()).toList();
    }

    /** All 32 that it never sees, neither in pictures nor in captions. */
    public static List<Kind> unseen() {
        return ALL.stream().filter(Kind::isHeldOut).toList();
    }

    /** Whether training never sees it. */
    public boolean isHeldOut() {
        int c = color.ordinal();
        int s = shape.ordinal();
        return (c + s) % 2 == 0 && texture.ordinal() == (c + 3 * s) / 2 % 4;
    }

    /** "plain" is said only of what would otherwise have no texture in its name. */
    public String phrase(int count) {
        return texture.word() + " " + color.word() + " " + shape.word(count);
    }

    /** The texts that stand for this kind in zero-shot classification. */
    public List<String> prompts() {
        String one = Words.indefinite(phrase(1));
        return List.of(one, "a picture of " + one, "there is " + one, "two " + phrase(2), "three " + phrase(3));
    }
}
