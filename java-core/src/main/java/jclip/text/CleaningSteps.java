package jclip.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The single steps of a text's way to tokens, for looking at where two tokenizers part; {@link Tokenizer} takes them all. Stateless,
 * safe for many threads.
 */
public final class CleaningSteps {
    private CleaningSteps() {}

    /**
     * A stretch of suspicious characters.
     *
     * @param start first code point
     * @param end behind the last code point
     */
    public record Span(int start, int end) {}

    /** The text repaired as ftfy 6.3.1 does. */
    public static String repair(String text) {
        return TextRepair.fix(text);
    }

    /** HTML entities replaced once, as Python's {@code html.unescape} does. */
    public static String unescape(String text) {
        return HtmlEntities.unescape(text);
    }

    /** The whole cleaning, repair included. */
    public static String clean(String text, Cleaning cleaning) {
        return cleaning.clean(text);
    }

    /** Stretches that look like text decoded in a wrong encoding, without overlap; empty if the text looks sound. */
    public static List<Span> mojibake(String text) {
        int[] codePoints = text.codePoints().toArray();
        List<Span> spans = new ArrayList<>();
        if (MojibakeTest.isBad(text)) {
            for (long at = MojibakeTest.firstMatch(codePoints, 0);
                    at >= 0;
                    at = MojibakeTest.firstMatch(codePoints, (int) at)) {
                spans.add(new Span((int) (at >>> 32), (int) at));
            }
        }
        return spans;
    }

    /** A cleaned text in the pieces that are merged on their own: special tokens, words, digits, runs of signs. */
    public static List<String> split(String clean, SpecialTokens special) {
        byte[] bytes = clean.getBytes(StandardCharsets.UTF_8);
        PieceSplitter splitter = new PieceSplitter(special);
        List<String> pieces = new ArrayList<>();
        for (long piece = splitter.next(bytes, 0); piece >= 0; piece = splitter.next(bytes, (int) piece)) {
            int from = (int) (piece >>> 32);
            pieces.add(new String(bytes, from, (int) piece - from, StandardCharsets.UTF_8));
        }
        return pieces;
    }
}
