package jclip.tools.report;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Text-to-image search: each text and the pictures nearest to it.
 *
 * @param title heading
 * @param queries in the order shown
 */
public record Search(String title, List<Query> queries) implements Section {
    /**
     * One text.
     *
     * @param text searched for
     * @param hits the nearest picture first
     */
    public record Query(String text, List<Hit> hits) {
        /** Keeps a copy. */
        public Query {
            hits = List.copyOf(hits);
        }
    }

    /**
     * One picture found.
     *
     * @param picture with its score in the caption, if that is to be seen
     * @param right whether it is what was searched for: it gets a mark
     */
    public record Hit(Picture picture, boolean right) {}

    /** Keeps a copy. */
    public Search {
        queries = List.copyOf(queries);
    }

    @Override
    public String html() {
        StringBuilder html = new StringBuilder();
        for (Query query : queries) {
            html.append("<h3>").append(Html.text(query.text())).append("</h3>\n<div class=\"grid\">");
            html.append(query.hits().stream()
                    .map(hit -> hit.picture().html(hit.right() ? "right" : "wrong"))
                    .collect(Collectors.joining("\n")));
            html.append("</div>\n");
        }
        return html.toString();
    }
}
