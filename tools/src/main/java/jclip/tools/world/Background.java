package jclip.tools.world;

/** What things lie on. */
public enum Background {
    WHITE(0xF6F6F2),
    GRAY(0x9A9DA3),
    BLACK(0x17181C),
    BEIGE(0xE6D3AE);

    final int rgb;

    Background(int rgb) {
        this.rgb = rgb;
    }

    String word() {
        return Words.lower(this);
    }
}
