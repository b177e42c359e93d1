package jclip.tools.report;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.ImageIO;

/** A picture that travels inside the report, and its caption. Immutable. */
public final class Picture {
    private final String caption;
    private final String uri;

    private Picture(String caption, String uri) {
        this.caption = caption;
        this.uri = uri;
    }

    /** An encoded picture, PNG or JPEG, as it is. */
    public static Picture encoded(byte[] bytes, String caption) {
        boolean jpeg = bytes.length > 2 && (bytes[0] & 0xff) == 0xff && (bytes[1] & 0xff) == 0xd8;
        String type = jpeg ? "image/jpeg" : "image/png";
        return new Picture(
                caption, "data:" + type + ";base64," + Base64.getEncoder().encodeToString(bytes));
    }

    /** Pixels, which are written as PNG. */
    public static Picture of(BufferedImage pixels, String caption) {
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        try {
            if (!ImageIO.write(pixels, "png", png)) {
                throw new IllegalArgumentException("no PNG of " + pixels);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return encoded(png.toByteArray(), caption);
    }

    String html(String mark) {
        return "<figure class=\"" + mark + "\"><img src=\"" + uri + "\" alt=\"" + Html.text(caption) + "\"><figcaption>"
                + Html.text(caption) + "</figcaption></figure>";
    }
}
