package jclip.tools.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * One HTML file with everything inside it: no script, no network, light or dark as the reader's system is.
 *
 * @param title of the page
 * @param summary a sentence or two below it
 * @param sections in the order shown
 */
public record Report(String title, String summary, List<Section> sections) {
    private static final String STYLE = """
        :root{color-scheme:light dark;--page:#fff;--ink:#1c1c1e;--soft:#6b6b70;--rule:#dcdce0;--right:#188038;
        --wrong:#c5221f;--c0:#1a5fb4;--c1:#8a8a90;--c2:#c64600;--c3:#26a269;--c4:#813d9c}
        @media (prefers-color-scheme:dark){:root{--page:#161618;--ink:#e8e8ea;--soft:#9a9aa0;--rule:#36363a;
        --right:#57c26f;--wrong:#f0766e;--c0:#78aeed;--c1:#9a9aa0;--c2:#ffa348;--c3:#57e389;--c4:#dc8add}}
        body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
        background:var(--page);color:var(--ink)}
        h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}h3{font-size:1rem;margin:1rem 0 .3rem}
        svg{width:100%;height:auto}svg text{fill:var(--soft);font-size:11px}.end{text-anchor:end}
        .middle{text-anchor:middle}.rule{stroke:var(--rule)}path{fill:none;stroke-width:1.5}
        .dashed{stroke-dasharray:5 4}.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}
        .c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.t0{color:var(--c0)}.t1{color:var(--c1)}.t2{color:var(--c2)}
        .t3{color:var(--c3)}.t4{color:var(--c4)}.legend{margin:0;font-size:.85rem}.legend span{margin-right:1rem}
        .wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
        td,th{text-align:left;padding:.15rem .8rem .15rem 0;border-bottom:1px solid var(--rule);
        font-variant-numeric:tabular-nums}th{color:var(--soft);font-weight:500}
        .grid{display:flex;flex-wrap:wrap;gap:.6rem}figure{margin:0;width:7.5rem}
        figure img{width:100%;image-rendering:pixelated;border:2px solid var(--rule);box-sizing:border-box}
        figure.right img{border-color:var(--right)}figure.wrong img{border-color:var(--wrong)}
        figcaption{font-size:.75rem;color:var(--soft)}
        """;

    /** Keeps a copy. */
    public Report {
        sections = List.copyOf(sections);
    }

    /** The page. */
    public String html() {
        StringBuilder html = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
                .append("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>")
                .append(Html.text(title))
                .append("</title>\n<style>\n")
                .append(STYLE)
                .append("</style></head><body>\n<h1>")
                .append(Html.text(title))
                .append("</h1>\n<p>")
                .append(Html.text(summary))
                .append("</p>\n");
        for (Section section : sections) {
            html.append("<section><h2>").append(Html.text(section.title())).append("</h2>\n");
            html.append(section.html()).append("</section>\n");
        }
        return html.append("</body></html>\n").toString();
    }

    /** Writes the page; a file of that name is replaced in one step. */
    public void write(Path file) {
        Path temporary = file.resolveSibling("." + file.getFileName() + ".tmp");
        try {
            Files.writeString(temporary, html());
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": the report cannot be written", e);
        }
    }
}
