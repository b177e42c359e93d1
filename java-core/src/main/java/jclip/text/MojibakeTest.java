package jclip.text;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Whether a text looks like one that was decoded with the wrong encoding: some rule of unlikely neighbours matches
 * somewhere. Rules and categories are those of ftfy 6.3.1.
 *
 * <p>Every code point is put into one of a few classes (those that no rule tells apart share one), and every element of
 * a rule is a set of classes: the test looks up one byte a character and most characters begin no rule at all.
 */
final class MojibakeTest {
    private static final int WORD = -1;
    private static final int TEXT_START = -2;

    private static final MojibakeTest STANDARD = new MojibakeTest(Tables.lines("mojibake.txt"));

    /** An element of a rule: the index of its set of classes, or one of the negative constants. */
    private record Element(int set, boolean optional) {}

    private final byte[] classes = new byte[0x10000];
    private final List<BitSet> sets = new ArrayList<>();
    private final Element[][] rules;
    /** By class, a bit for each rule that may begin with it. */
    private final long[] beginnings = new long[256];

    static boolean isBad(String text) {
        int[] codePoints = text.codePoints().toArray();
        return STANDARD.find(codePoints, 0) >= 0;
    }

    /** The first match at or after {@code from} as start in the upper and end in the lower half, or -1. */
    static long firstMatch(int[] codePoints, int from) {
        return STANDARD.find(codePoints, from);
    }

    private MojibakeTest(List<String> lines) {
        Map<String, String> categories = new HashMap<>();
        Map<String, Integer> elements = new LinkedHashMap<>();
        List<Element[]> parsed = new ArrayList<>();
        for (String line : lines) {
            int space = line.indexOf(' ');
            String rest = line.substring(space + 1);
            if (line.startsWith("rule ")) {
                parsed.add(rule(rest, elements));
            } else {
                categories.put(line.substring(0, space), rest);
            }
        }
        rules = parsed.toArray(Element[][]::new);
        List<CodePointSet> members = new ArrayList<>();
        for (String element : elements.keySet()) {
            members.add(members(element, categories));
            sets.add(new BitSet());
        }
        classify(elements.keySet().toArray(String[]::new), members);
        for (int c = 0; c < beginnings.length; c++) {
            for (int r = 0; r < rules.length; r++) {
                int set = rules[r][0].set;
                beginnings[c] |= set == TEXT_START || sets.get(set).get(c) ? 1L << r : 0;
            }
        }
    }

    private static Element[] rule(String text, Map<String, Integer> elements) {
        String[] parts = text.split(" ");
        Element[] rule = new Element[parts.length];
        for (int i = 0; i < parts.length; i++) {
            boolean optional = parts[i].endsWith("?");
            String name = optional ? parts[i].substring(0, parts[i].length() - 1) : parts[i];
            int set =
                    switch (name) {
                        case "@word" -> WORD;
                        case "@text-start" -> TEXT_START;
                        default -> elements.computeIfAbsent(name, _ -> elements.size());
                    };
            rule[i] = new Element(set, optional);
        }
        return rule;
    }

    private static CodePointSet members(String element, Map<String, String> categories) {
        StringBuilder ranges = new StringBuilder();
        for (String part : (element.charAt(0) == '!' ? element.substring(1) : element).split(",")) {
            String known =
                    switch (part) {
                        case "@space" -> Tables.named(Tables.lines("classes.txt"), "space");
                        case "@any-but-newline" -> "A";
                        default -> categories.getOrDefault(part, part);
                    };
            ranges.append(known).append(' ');
        }
        return CodePointSet.parse(ranges.toString());
    }

    private void classify(String[] names, List<CodePointSet> members) {
        Map<BitSet, Integer> known = new HashMap<>();
        BitSet[] memberships = new BitSet[0x10000];
        for (int set = 0; set < names.length; set++) {
            int index = set;
            members.get(set).forEach(codePoint -> {
                if (memberships[codePoint] == null) {
                    memberships[codePoint] = new BitSet();
                }
                memberships[codePoint].set(index);
            });
        }
        known.put(new BitSet(), 0);
        for (int codePoint = 0; codePoint < memberships.length; codePoint++) {
            if (memberships[codePoint] != null) {
                classes[codePoint] = (byte) (int) known.computeIfAbsent(memberships[codePoint], _ -> known.size());
            }
        }
        known.forEach((membership, c) -> {
            for (int set = 0; set < names.length; set++) {
                boolean negated = names[set].charAt(0) == '!' || names[set].equals("@any-but-newline");
                sets.get(set).set(c, membership.get(set) != negated);
            }
        });
    }

    private int classOf(int codePoint) {
        return codePoint < classes.length ? classes[codePoint] & 0xFF : 0;
    }

    private long find(int[] text, int from) {
        for (int at = from; at < text.length; at++) {
            long candidates = beginnings[classOf(text[at])];
            while (candidates != 0) {
                int end = match(rules[Long.numberOfTrailingZeros(candidates)], 0, text, at);
                if (end >= 0) {
                    return (long) at << 32 | end;
                }
                candidates &= candidates - 1;
            }
        }
        return -1;
    }

    /** The end of a match of the rule from its element {@code index} on, or -1. */
    private int match(Element[] rule, int index, int[] text, int at) {
        if (index == rule.length) {
            return at;
        }
        Element element = rule[index];
        if (element.set == TEXT_START) {
            return at == 0 ? match(rule, index + 1, text, at) : -1;
        }
        if (at < text.length && matches(element.set, text[at])) {
            int end = match(rule, index + 1, text, at + 1);
            if (end >= 0) {
                return end;
            }
        }
        return element.optional ? match(rule, index + 1, text, at) : -1;
    }

    private boolean matches(int set, int codePoint) {
        if (set == WORD) {
            int c = CodePointClasses.of(codePoint);
            return c == CodePointClasses.LETTER || c == CodePointClasses.NUMBER || codePoint == '_';
        }
        return sets.get(set).get(classOf(codePoint));
    }
}
