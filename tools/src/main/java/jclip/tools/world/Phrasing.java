package jclip.tools.world;

import jclip.data.Philox;

/** Says in English what a scene shows; what it says is true, and what it leaves out is left to chance. */
final class Phrasing {
    private static final String[] SMALL = {"small", "little"};
    private static final String[] LARGE = {"large", "big"};
    private static final String[] MIDDLE = {"in the middle", "in the center"};
    private static final String[] ACROSS = {"side by side", "next to each other"};
    private static final String[] DOWN = {"one above the other", "in a column"};

    /**
     * How often size, place and background are mentioned, each. Were it often, these alone would tell the pictures of a
     * batch apart, and nothing would make a model look at shapes.
     */
    private static final double ASIDE = 0.3;

    private final Scene scene;
    private final int[] draws;
    private int next;

    private Phrasing(Scene scene, int[] draws) {
        this.scene = scene;
        this.draws = draws;
    }

    /** Everything, in the plainest words. */
    static String full(Scene scene) {
        return new Phrasing(scene, new int[Draws.PHRASING]).sentence(true);
    }

    /**
     * Colour and shape, and of the rest some.
     *
     * @param draws {@link Draws#PHRASING} random words
     */
    static String of(Scene scene, int[] draws) {
        return new Phrasing(scene, draws).sentence(false);
    }

    private boolean chance(double probability) {
        return Philox.unit(draws[next++]) < probability;
    }

    private String one(String... choices) {
        return choices[Philox.below(draws[next++], choices.length)];
    }

    private String sentence(boolean all) {
        boolean size = chance(ASIDE) || all;
        boolean texture = chance(0.9) || all;
        boolean place = chance(ASIDE) || all;
        boolean ground = chance(ASIDE) || all;
        String things = things(size, texture);
        int count = scene.layout().count;
        StringBuilder text =
                new StringBuilder(one("", "", "a picture of ", count == 1 ? "there is " : "there are ", "i see "));
        text.append(things);
        if (place) {
            text.append(' ').append(place());
        }
        if (ground) {
            String word = scene.background().word();
            text.append(one(" on a " + word + " background", " with a " + word + " background", " on " + word));
        }
        return text.toString();
    }

    private String things(boolean size, boolean texture) {
        Kind kind = scene.kind();
        int count = scene.layout().count;
        String color = kind.color().word();
        String cover = kind.texture().word();
        String mixed = one(cover + " " + color, color + " " + cover);
        String phrase = (texture ? mixed : color) + " " + kind.shape().word(count);
        String extent = one(scene.size() == Size.SMALL ? SMALL : LARGE);
        phrase = size ? extent + " " + phrase : phrase;
        return switch (count) {
            case 1 -> one(Words.indefinite(phrase), Words.indefinite(phrase), "one " + phrase);
            case 2 -> "two " + phrase;
            default -> "three " + phrase;
        };
    }

    private String place() {
        return switch (scene.layout()) {
            case LEFT -> one("on the left", "at the left");
            case RIGHT -> one("on the right", "at the right");
            case TOP -> "at the top";
            case BOTTOM -> "at the bottom";
            case MIDDLE -> one(MIDDLE);
            case TWO_ACROSS -> one(ACROSS);
            case THREE_ACROSS -> one("side by side", "in a row");
            case TWO_DOWN, THREE_DOWN -> one(DOWN);
        };
    }
}
