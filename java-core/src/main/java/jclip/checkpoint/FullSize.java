package jclip.checkpoint;

import java.util.List;

/** The nine models of the CLIP paper, and ViT-H/14. */
final class FullSize {
    static final List<String> NAMES = List.of(
            "RN50",
            "RN101",
            "RN50x4",
            "RN50x16",
            "RN50x64",
            "ViT-B-32",
            "ViT-B-16",
            "ViT-L-14",
            "ViT-L-14-336",
            "ViT-H-14");

    private FullSize() {}

    static Architecture architecture(String name) {
        return switch (name) {
            case "RN50" -> resNet(1024, 224, 64, List.of(3, 4, 6, 3), 512);
            case "RN101" -> resNet(512, 224, 64, List.of(3, 4, 23, 3), 512);
            case "RN50x4" -> resNet(640, 288, 80, List.of(4, 6, 10, 6), 640);
            case "RN50x16" -> resNet(768, 384, 96, List.of(6, 8, 18, 8), 768);
            case "RN50x64" -> resNet(1024, 448, 128, List.of(3, 15, 36, 10), 1024);
            case "ViT-B-32" -> vit(512, 224, 32, 768, 12, 512);
            case "ViT-B-16" -> vit(512, 224, 16, 768, 12, 512);
            case "ViT-L-14" -> vit(768, 224, 14, 1024, 24, 768);
            case "ViT-L-14-336" -> vit(768, 336, 14, 1024, 24, 768);
            case "ViT-H-14" ->
                new Architecture(
                        1024,
                        Activation.GELU,
                        new Architecture.Vit(224, 14, 1280, 32, 16, 80, 5120, Architecture.DEFAULT_EPS),
                        text(1024, 24));
            default -> throw new IllegalArgumentException("no full-size model '" + name + "'; known: " + NAMES);
        };
    }

    private static Architecture resNet(int embed, int image, int width, List<Integer> layers, int textWidth) {
        return new Architecture(
                embed,
                Activation.QUICK_GELU,
                new Architecture.ResNet(image, width, layers, width / 2, 64, 32 * width, Architecture.DEFAULT_EPS),
                text(textWidth, 12));
    }

    private static Architecture vit(int embed, int image, int patch, int width, int layers, int textWidth) {
        return new Architecture(
                embed,
                Activation.QUICK_GELU,
                new Architecture.Vit(image, patch, width, layers, width / 64, 64, 4 * width, Architecture.DEFAULT_EPS),
                text(textWidth, 12));
    }

    private static Architecture.Text text(int width, int layers) {
        return new Architecture.Text(
                77,
                49408,
                width,
                layers,
                width / 64,
                64,
                4 * width,
                Architecture.Pool.ARGMAX,
                -1,
                Architecture.DEFAULT_EPS);
    }
}
