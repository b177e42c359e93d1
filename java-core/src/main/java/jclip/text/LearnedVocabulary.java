package jclip.text;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;

/**
 * A byte-level BPE vocabulary of CLIP's kind, learned from texts: these are cleaned and split as {@link Tokenizer} does,
 * and the most frequent pair of neighbours becomes the next token, until there are enough. Of pairs that are equally
 * frequent the one with the lower ids is taken, so that the same texts, in any order, give the same vocabulary. Ids: 512
 * byte symbols, the merges, start and end token. Immutable.
 *
 * <p>Source: Sennrich et al., Neural Machine Translation of Rare Words with Subword Units (2016), section 3.2.
 */
public final class LearnedVocabulary {
    /** The byte symbols, the start and the end token. */
    private static final int FIXED = 512 + 2;

    /** The smallest vocabulary: one merge. */
    public static final int SMALLEST = FIXED + 1;

    /** The largest: the reader, like OpenAI's, uses no more lines of a file. */
    public static final int LARGEST = 49_152 + 256;

    private final List<String> merges;

    private LearnedVocabulary(List<String> merges) {
        this.merges = List.copyOf(merges);
    }

    /**
     * Learns from texts.
     *
     * @param size ids in all: 515 to 49,408
     * @throws IllegalArgumentException if the size is out of range, or the texts hold too few different words for it; the
     *     message says how many ids they give
     */
    public static LearnedVocabulary of(Iterable<String> texts, int size) {
        if (size < SMALLEST || size > LARGEST) {
            throw new IllegalArgumentException("vocabulary size " + size + ", wanted " + SMALLEST + " to " + LARGEST);
        }
        Learning learning = new Learning();
        Words words = new Words();
        for (String text : texts) {
            words.count(text);
        }
        words.counts.forEach(learning::add);
        int wanted = size - FIXED;
        while (learning.merges.size() < wanted && learning.mergeNext()) {
            continue;
        }
        if (learning.merges.size() < wanted) {
            throw new IllegalArgumentException("the texts give a vocabulary of " + (FIXED + learning.merges.size())
                    + " at most, not of " + size + "; ask for less or give more texts");
        }
        return new LearnedVocabulary(learning.merges);
    }

    /** How many ids there are. */
    public int size() {
        return FIXED + merges.size();
    }

    /** The merges in their order, each as two tokens in byte symbols with a space between. */
    public List<String> merges() {
        return merges;
    }

    /**
     * Writes the file that {@link Tokenizer#open} reads: as OpenAI's {@code bpe_simple_vocab}, packed with gzip where
     * the name ends in {@code .gz}. The file appears whole or not at all.
     *
     * @throws TokenizerException if it cannot be written
     */
    public void write(Path file) {
        // No line feed at the end: the reader takes what follows it for one more token, as the reference does.
        String text = "\"jclip, " + size() + " tokens\"#version: 0.2\n" + String.join("\n", merges);
        Path target = file.toAbsolutePath();
        Path part = target.resolveSibling("." + target.getFileName() + ".part");
        try {
            try (FileChannel channel = FileChannel.open(
                            part,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.TRUNCATE_EXISTING,
                            StandardOpenOption.WRITE);
                    OutputStream out = packed(file) ? new GZIPOutputStream(Channels.newOutputStream(channel)) : null) {
                byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                if (out instanceof GZIPOutputStream gzip) {
                    gzip.write(bytes);
                    gzip.finish();
                } else {
                    Channels.newOutputStream(channel).write(bytes);
                }
                channel.force(true);
            }
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new TokenizerException(file + ": cannot be written: " + e, e);
        }
    }

    private static boolean packed(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".gz");
    }

    /** Pieces of texts with how often each comes. */
    private static final class Words {
        private final PieceSplitter splitter = new PieceSplitter(SpecialTokens.OPEN_CLIP);
        /** Sorted, so that nothing depends on the order of the texts. */
        private final Map<String, Long> counts = new TreeMap<>();

        void count(String text) {
            byte[] clean = Cleaning.LOWER.cleanUtf8(text);
            for (long piece = splitter.next(clean, 0); piece != PieceSplitter.NONE; ) {
                int from = (int) (piece >>> 32);
                int to = (int) piece;
                boolean special = clean[from] == '<'
                        && (splitter.isStartToken(clean, from, to) || splitter.isEndToken(clean, from, to));
                if (!special) {
                    counts.merge(new String(clean, from, to - from, StandardCharsets.UTF_8), 1L, Long::sum);
                }
                piece = splitter.next(clean, to);
            }
        }
    }

    /** A pair of symbols with its frequency when it was put into the queue. */
    private record Candidate(int left, int right, long count) implements Comparable<Candidate> {
        @Override
        public int compareTo(Candidate other) {
            int byCount = Long.compare(other.count, count);
            int byLeft = byCount != 0 ? byCount : Integer.compare(left, other.left);
            return byLeft != 0 ? byLeft : Integer.compare(right, other.right);
        }
    }

    /** The words as symbols, and for each pair of neighbours how often it comes and in which words. */
    private static final class Learning {
        private final List<String> merges = new ArrayList<>();
        private final List<String> written = new ArrayList<>();
        private final Set<String> known = new HashSet<>();
        private final int[] byteSymbols = new int[512];
        private final List<int[]> words = new ArrayList<>();
        private final List<Long> counts = new ArrayList<>();
        private final Map<Long, Long> pairCounts = new HashMap<>();
        private final Map<Long, Set<Integer>> pairWords = new HashMap<>();
        private final PriorityQueue<Candidate> queue = new PriorityQueue<>();
        private boolean started;

        Learning() {
            VocabularyBuilder builder = new VocabularyBuilder(512);
            builder.addByteSymbols();
            int[] found = builder.byteSymbols();
            written.addAll(Collections.nCopies(512, ""));
            for (int i = 0; i < 512; i++) {
                byteSymbols[i] = found[i];
                written.set(found[i], VocabularyBuilder.written(i));
            }
        }

        void add(String word, long count) {
            byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
            int[] row = new int[bytes.length];
            for (int i = 0; i < row.length; i++) {
                row[i] = byteSymbols[(bytes[i] & 255) + (i == row.length - 1 ? 256 : 0)];
            }
            words.add(row);
            counts.add(count);
            addPairs(words.size() - 1, 1);
        }

        private void addPairs(int word, int sign) {
            int[] row = words.get(word);
            for (int i = 0; i + 1 < row.length; i++) {
                long pair = (long) row[i] << 32 | row[i + 1];
                pairCounts.merge(pair, sign * counts.get(word), Long::sum);
                if (sign > 0) {
                    pairWords
                            .computeIfAbsent(pair, key -> new LinkedHashSet<>())
                            .add(word);
                    if (started) {
                        push(pair);
                    }
                }
            }
        }

        private void push(long pair) {
            long count = pairCounts.getOrDefault(pair, 0L);
            if (count > 0) {
                queue.add(new Candidate((int) (pair >>> 32), (int) pair, count));
            }
        }

        /** Makes a token of the most frequent pair; false where no pair is left. */
        boolean mergeNext() {
            if (!started) {
                started = true;
                pairCounts.keySet().forEach(this::push);
            }
            Candidate best = queue.poll();
            while (best != null && !(isCurrent(best) && isNew(best))) {
                best = queue.poll();
            }
            if (best == null) {
                return false;
            }
            merge(best);
            return true;
        }

        /** A candidate whose pair has become rarer goes back to where it belongs. */
        private boolean isCurrent(Candidate candidate) {
            long pair = (long) candidate.left << 32 | candidate.right;
            long count = pairCounts.getOrDefault(pair, 0L);
            if (count != candidate.count && count > 0 && count < candidate.count) {
                push(pair);
            }
            return count == candidate.count;
        }

        /** A pair that spells a token made of other parts is left alone: a second id would take the first one's place. */
        private boolean isNew(Candidate pair) {
            return !known.contains(written.get(pair.left) + written.get(pair.right));
        }

        private void merge(Candidate pair) {
            String left = written.get(pair.left);
            String right = written.get(pair.right);
            merges.add(left + " " + right);
            known.add(left + right);
            int made = written.size();
            written.add(left + right);
            long key = (long) pair.left << 32 | pair.right;
            Set<Integer> where = pairWords.remove(key);
            if (where != null) {
                for (int word : where) {
                    replace(word, pair, made);
                }
            }
            pairCounts.remove(key);
        }

        private void replace(int word, Candidate pair, int made) {
            int[] row = words.get(word);
            int[] shorter = new int[row.length];
            int length = 0;
            for (int i = 0; i < row.length; i++) {
                boolean here = i + 1 < row.length && row[i] == pair.left && row[i + 1] == pair.right;
                shorter[length++] = here ? made : row[i];
                i += here ? 1 : 0;
            }
            if (length < row.length) {
                addPairs(word, -1);
                words.set(word, Arrays.copyOf(shorter, length));
                addPairs(word, 1);
            }
        }
    }
}
