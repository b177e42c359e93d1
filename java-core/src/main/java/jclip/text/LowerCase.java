package jclip.text;

/** Full Unicode lower case as the reference does it, with the final sigma. */
final class LowerCase {
    private static final int CAPITAL_SIGMA = 0x3A3;
    private static final int SMALL_SIGMA = 0x3C3;
    private static final int FINAL_SIGMA = 0x3C2;
    private static final int CAPITAL_I_DOT = 0x130;
    /** Code points that are case-ignorable though their general category does not say so. */
    private static final CodePointSet IGNORABLE =
            CodePointSet.parse("27 2E 3A B7 387 55F 5F4 2018 2019 2024 2027 FE13 FE52 FE55 FF07 FF0E FF1A 1171E");

    private LowerCase() {}

    static String of(String text) {
        StringBuilder lower = new StringBuilder(text.length() + 2);
        for (int i = 0; i < text.length(); ) {
            int codePoint = text.codePointAt(i);
            int next = i + Character.charCount(codePoint);
            if (codePoint < 0x80) {
                lower.append((char) (codePoint >= 'A' && codePoint <= 'Z' ? codePoint + 32 : codePoint));
            } else if (codePoint == CAPITAL_SIGMA) {
                lower.append((char) (isFinal(text, i, next) ? FINAL_SIGMA : SMALL_SIGMA));
            } else if (codePoint == CAPITAL_I_DOT) {
                lower.append("i\u0307");
            } else if (CodePointClasses.isUnassigned(codePoint)) {
                lower.appendCodePoint(codePoint);
            } else {
                lower.appendCodePoint(Character.toLowerCase(codePoint));
            }
            i = next;
        }
        return lower.toString();
    }

    /** A sigma is final after a cased letter and not before one, whatever ignorable characters stand between. */
    private static boolean isFinal(String text, int at, int next) {
        int before = at;
        while (before > 0 && isIgnorable(text.codePointBefore(before))) {
            before -= Character.charCount(text.codePointBefore(before));
        }
        if (before == 0 || !isCased(text.codePointBefore(before))) {
            return false;
        }
        int after = next;
        while (after < text.length() && isIgnorable(text.codePointAt(after))) {
            after += Character.charCount(text.codePointAt(after));
        }
        return after == text.length() || !isCased(text.codePointAt(after));
    }

    private static boolean isCased(int codePoint) {
        boolean cased = Character.isLowerCase(codePoint)
                || Character.isUpperCase(codePoint)
                || Character.isTitleCase(codePoint);
        return cased && !CodePointClasses.isUnassigned(codePoint);
    }

    private static boolean isIgnorable(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.FORMAT,
                    Character.MODIFIER_LETTER,
                    Character.MODIFIER_SYMBOL -> !CodePointClasses.isUnassigned(codePoint);
            default -> IGNORABLE.contains(codePoint);
        };
    }
}
