package jclip.bench;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;

/** A picture made by a formula, with smooth and busy regions, so that its JPEG is about as large as a photo's. */
final class Photo {
    private Photo() {}

    static byte[] jpeg(int width, int height) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int busy = x * 2 > width ? (x * 31 + y * 17 ^ x * y) & 63 : 0;
                int red = (int) (127 + 100 * Math.sin(x * 0.021 + y * 0.013)) + busy / 2;
                int green = (int) (127 + 100 * Math.sin(x * 0.017 - y * 0.029));
                int blue = 128 * y / height + busy;
                image.setRGB(x, y, red << 16 | green << 8 | blue);
            }
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "jpg", out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
