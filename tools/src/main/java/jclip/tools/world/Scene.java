package jclip.tools.world;

/**
 * All that a picture shows, but for shades and small shifts.
 *
 * @param kind of every thing in it
 */
public record Scene(Kind kind, Size size, Layout layout, Background background) {
    private static final Size[] SIZES = Size.values();
    private static final Layout[] LAYOUTS = Layout.values();
    private static final Background[] BACKGROUNDS = Background.values();

    /** Scenes of one kind. */
    static final int SETTINGS = SIZES.length * LAYOUTS.length * BACKGROUNDS.length;

    /** The scenes of a kind, numbered from 0 to {@link #SETTINGS} - 1. */
    static Scene of(Kind kind, int setting) {
        int layout = setting / SIZES.length;
        return new Scene(
                kind,
                SIZES[setting % SIZES.length],
                LAYOUTS[layout % LAYOUTS.length],
                BACKGROUNDS[layout / LAYOUTS.length]);
    }
}
