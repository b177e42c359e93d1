package jclip.tools.report;

/** A part of a report under a heading of its own. */
public sealed interface Section permits Curve, Figures, PictureGrid, Search, Table {
    /** The heading. */
    String title();

    /** What stands below the heading, as HTML. */
    String html();
}
