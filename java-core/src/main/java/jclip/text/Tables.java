package jclip.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads the data files of this package: lines of names and hexadecimal code points. */
final class Tables {
    private Tables() {}

    /** The lines of a data file without blank lines and comments. */
    static List<String> lines(String name) {
        try (InputStream in = stream(name)) {
            String all = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
            List<String> lines = new ArrayList<>();
            for (String line : all.split("\n")) {
                if (!line.isEmpty() && line.charAt(0) != '#') {
                    lines.add(line);
                }
            }
            return lines;
        } catch (IOException e) {
            throw new IllegalStateException("cannot read " + name + " from the jclip jar", e);
        }
    }

    /** The lines of one {@code [section]} of a data file. */
    static List<String> section(List<String> lines, String name) {
        int from = lines.indexOf("[" + name + "]") + 1;
        int to = from;
        while (to < lines.size() && lines.get(to).charAt(0) != '[') {
            to++;
        }
        return lines.subList(from, to);
    }

    /** The rest of the line that begins with this name. */
    static String named(List<String> lines, String name) {
        for (String line : lines) {
            if (line.startsWith(name) && line.length() > name.length() && line.charAt(name.length()) == ' ') {
                return line.substring(name.length() + 1);
            }
        }
        throw new IllegalStateException("a data file of the jclip jar has no line '" + name + "'");
    }

    /** The characters given by code points in hexadecimal. */
    static String characters(String codePoints) {
        StringBuilder text = new StringBuilder();
        for (String codePoint : codePoints.split(" ")) {
            text.appendCodePoint(Integer.parseInt(codePoint, 16));
        }
        return text.toString();
    }

    static InputStream stream(String name) {
        InputStream in = Tables.class.getResourceAsStream(name);
        if (in == null) {
            throw new IllegalStateException("the jclip jar lacks its data file jclip/text/" + name);
        }
        return in;
    }
}
