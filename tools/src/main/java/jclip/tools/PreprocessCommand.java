package jclip.tools;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jclip.image.Interpolation;
import jclip.image.Picture;
import jclip.image.Preprocessor;
import jclip.image.ResizeMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "preprocess",
        description =
                "Resizes and crops a picture as the reference does, and writes its bytes: uint8, height x width x 3.",
        footer = {"", "Example: jclip preprocess --size 224 photo.jpg --output photo.npy"})
final class PreprocessCommand extends JclipCommand {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,5})(?:x(\\d{1,5}))?");
    private static final Pattern COLOR = Pattern.compile("(\\d{1,3})(?:,(\\d{1,3}),(\\d{1,3}))?");

    @Option(names = "--size", paramLabel = "H[xW]", required = true, description = "Rows, and columns if not as many.")
    private String size = "";

    @Option(
            names = "--resize-mode",
            paramLabel = "M",
            defaultValue = "shortest",
            description = "shortest, squash or longest.")
    private String resizeMode = "shortest";

    @Option(
            names = "--interpolation",
            paramLabel = "F",
            defaultValue = "bicubic",
            description = "bicubic, bilinear or nearest.")
    private String interpolation = "bicubic";

    @Option(
            names = "--fill-color",
            paramLabel = "R,G,B",
            defaultValue = "0",
            description = "What longest leaves free; one number for all three.")
    private String fillColor = "0";

    @Option(names = "--output", paramLabel = "x.npy", required = true, description = "The file to write.")
    private Path output = Path.of("");

    @Parameters(paramLabel = "IMAGE", description = "A picture file.")
    private String image = "";

    @Override
    public Integer call() throws IOException {
        Preprocessor preprocessor = preprocessor();
        byte[] rgb = preprocessor.toRgb(Picture.read(Path.of(image)));
        NpyFile.write(output, rgb, preprocessor.height(), preprocessor.width(), 3);
        if (json) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("input", image);
            line.put("output", output.toString());
            line.put("height", preprocessor.height());
            line.put("width", preprocessor.width());
            printJson(line);
        } else {
            out().println(output + "  uint8 " + preprocessor.height() + " x " + preprocessor.width() + " x 3");
        }
        return OK;
    }

    private Preprocessor preprocessor() {
        Matcher sides = SIZE.matcher(size);
        Matcher color = COLOR.matcher(fillColor);
        if (!sides.matches() || !color.matches()) {
            throw wrong(
                    sides.matches()
                            ? "Invalid value for option '--fill-color': '" + fillColor + "'; wanted R,G,B"
                            : "Invalid value for option '--size': '" + size + "'; wanted H or HxW");
        }
        int height = Integer.parseInt(sides.group(1));
        int width = sides.group(2) == null ? height : Integer.parseInt(sides.group(2));
        int red = Integer.parseInt(color.group(1));
        try {
            return Preprocessor.builder()
                    .size(height, width)
                    .resizeMode(ResizeMode.parse(resizeMode))
                    .interpolation(Interpolation.parse(interpolation))
                    .fillColor(
                            red,
                            color.group(2) == null ? red : Integer.parseInt(color.group(2)),
                            color.group(3) == null ? red : Integer.parseInt(color.group(3)))
                    .build();
        } catch (IllegalArgumentException e) {
            throw wrong(Main.message(e));
        }
    }
}
