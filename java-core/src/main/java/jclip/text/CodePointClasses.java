package jclip.text;

import java.util.Arrays;
import java.util.List;

/**
 * The classes of code points that the splitting pattern knows, as the reference's regular expression engine has them
 * (regex 2026.9.29 with case ignored), and what Python takes as white space.
 */
final class CodePointClasses {
    static final byte OTHER = 0;
    static final byte LETTER = 1;
    static final byte NUMBER = 2;
    static final byte SPACE = 3;
    /** Matches nothing in the pattern and is left out. */
    static final byte DROPPED = 4;

    private static final byte CLASS_BITS = 7;
    private static final byte PYTHON_SPACE = 8;
    private static final byte UNASSIGNED = 16;
    private static final byte[] FLAGS = read();

    private CodePointClasses() {}

    /** The class of a code point under the splitting pattern. */
    static int of(int codePoint) {
        return codePoint < FLAGS.length ? FLAGS[codePoint] & CLASS_BITS : OTHER;
    }

    /** Whether Python's {@code str.split()} and {@code str.strip()} take it as white space. */
    static boolean isPythonSpace(int codePoint) {
        return codePoint < FLAGS.length && (FLAGS[codePoint] & PYTHON_SPACE) != 0;
    }

    /** Whether Unicode 14, which the reference knows, has no such character: no case, and no combining with others. */
    static boolean isUnassigned(int codePoint) {
        return codePoint < FLAGS.length && (FLAGS[codePoint] & UNASSIGNED) != 0;
    }

    private static byte[] read() {
        List<String> lines = Tables.lines("classes.txt");
        byte[] flags = new byte[0x40000];
        fill(flags, lines, "letter", LETTER);
        fill(flags, lines, "number", NUMBER);
        fill(flags, lines, "pattern-space", SPACE);
        fill(flags, lines, "dropped", DROPPED);
        set(flags, lines, "space", PYTHON_SPACE);
        set(flags, lines, "unassigned", UNASSIGNED);
        return flags;
    }

    private static void fill(byte[] flags, List<String> lines, String name, byte kind) {
        CodePointSet.parse(Tables.named(lines, name))
                .forEachRange((first, last) -> Arrays.fill(flags, first, last + 1, kind));
    }

    private static void set(byte[] flags, List<String> lines, String name, byte bit) {
        CodePointSet.parse(Tables.named(lines, name)).forEach(codePoint -> flags[codePoint] |= bit);
    }
}
