package jclip.tools.report;

import java.util.List;

/**
 * Lines over a common axis, drawn as SVG. Values that are not finite leave a gap.
 *
 * @param title heading
 * @param across what the horizontal axis shows
 * @param lines at least one
 */
public record Curve(String title, String across, List<Line> lines) implements Section {
    private static final double WIDTH = 720;
    private static final double HEIGHT = 280;
    private static final double LEFT = 64;
    private static final double RIGHT = 12;
    private static final double TOP = 12;
    private static final double BOTTOM = 40;
    private static final int COLOURS = 5;
    private static final int TICKS = 6;

    /** Keeps a copy. */
    public Curve {
        lines = List.copyOf(lines);
    }

    @Override
    public String html() {
        Axis x = Axis.over(lines.stream().map(Line::x).toList(), TICKS);
        Axis y = Axis.over(lines.stream().map(Line::y).toList(), TICKS);
        StringBuilder svg = new StringBuilder(Html.format(
                "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT, Html.text(title)));
        for (double tick : y.ticks()) {
            double at = down(y, tick);
            svg.append(Html.format(
                    "<line class=\"rule\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
                            + "<text class=\"end\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                    LEFT, at, WIDTH - RIGHT, at, LEFT - 6, at + 4, y.label(tick)));
        }
        for (double tick : x.ticks()) {
            svg.append(Html.format(
                    "<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                    right(x, tick), HEIGHT - BOTTOM + 16, x.label(tick)));
        }
        svg.append(Html.format(
                "<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, Html.text(across)));
        for (int i = 0; i < lines.size(); i++) {
            path(svg, lines.get(i).thinned((int) (WIDTH - LEFT - RIGHT)), i, x, y);
        }
        return svg.append("</svg>\n").append(legend()).toString();
    }

    private static double right(Axis axis, double value) {
        return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT);
    }

    private static double down(Axis axis, double value) {
        return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM);
    }

    private static void path(StringBuilder svg, Line line, int index, Axis x, Axis y) {
        svg.append("<path class=\"c")
                .append(index % COLOURS)
                .append(line.dashed() ? " dashed" : "")
                .append("\" d=\"");
        boolean pen = false;
        for (int i = 0; i < line.size(); i++) {
            boolean shown = Double.isFinite(line.x(i)) && Double.isFinite(line.y(i));
            if (shown) {
                svg.append(Html.format("%s%.1f %.1f", pen ? "L" : "M", right(x, line.x(i)), down(y, line.y(i))));
            }
            pen = shown;
        }
        svg.append("\"/>\n");
    }

    private String legend() {
        StringBuilder html = new StringBuilder("<p class=\"legend\">");
        for (int i = 0; i < lines.size(); i++) {
            html.append("<span class=\"t")
                    .append(i % COLOURS)
                    .append("\">")
                    .append(lines.get(i).dashed() ? "- - " : "&#9472; ");
            html.append(Html.text(lines.get(i).name())).append("</span> ");
        }
        return html.append("</p>").toString();
    }
}
