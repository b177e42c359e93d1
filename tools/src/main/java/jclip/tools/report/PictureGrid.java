package jclip.tools.report;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Pictures with captions, as many in a row as fit.
 *
 * @param title heading
 * @param pictures in reading order
 */
public record PictureGrid(String title, List<Picture> pictures) implements Section {
    /** Keeps a copy. */
    public PictureGrid {
        pictures = List.copyOf(pictures);
    }

    @Override
    public String html() {
        return pictures.stream()
                .map(picture -> picture.html(""))
                .collect(Collectors.joining("\n", "<div class=\"grid\">", "</div>"));
    }
}
