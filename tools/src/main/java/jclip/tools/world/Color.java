package jclip.tools.world;

/** Colours of things. None is also a {@link Background}. */
public enum Color {
    RED(0xD62828),
    ORANGE(0xF28C1E),
    YELLOW(0xF2D11B),
    GREEN(0x2E9E45),
    BLUE(0x2364D2),
    PURPLE(0x8A3FC0),
    PINK(0xF47BB4),
    BROWN(0x7D4A21);

    final int rgb;

    Color(int rgb) {
        this.rgb = rgb;
    }

    String word() {
        return Words.lower(this);
    }
}
