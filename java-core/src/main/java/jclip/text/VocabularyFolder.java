package jclip.text;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Finds the vocabulary in a folder or beside a file, and reads it in whatever form it has. */
final class VocabularyFolder {
    private static final String LOOKED_FOR =
            "bpe_*.txt.gz, bpe_*.txt, vocab.json with merges.txt, tokenizer.json (the last three also as .gz)";

    private VocabularyFolder() {}

    static Vocabulary open(Path path) {
        if (Files.isDirectory(path)) {
            return openFolder(path);
        }
        if (!Files.exists(path)) {
            throw new TokenizerException(path + ": there is no such file or folder");
        }
        return openFile(path);
    }

    /** Whether a folder holds a vocabulary in any of the forms. */
    static boolean isPresent(Path folder) {
        return bpeText(folder) != null
                || beside(folder, "vocab.json") != null
                || beside(folder, "tokenizer.json") != null;
    }

    private static Vocabulary openFolder(Path folder) {
        Path bpe = bpeText(folder);
        if (bpe != null) {
            return openFile(bpe);
        }
        Path vocab = beside(folder, "vocab.json");
        Path merges = beside(folder, "merges.txt");
        Path tokenizer = beside(folder, "tokenizer.json");
        if (vocab != null && merges != null) {
            return openPair(vocab, merges);
        }
        for (Path file : Arrays.asList(tokenizer, vocab, merges)) {
            if (file != null) {
                return openFile(file);
            }
        }
        throw new TokenizerException(folder + ": has no vocabulary; looked for " + LOOKED_FOR);
    }

    private static @Nullable Path bpeText(Path folder) {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "bpe_*.{txt,txt.gz}")) {
            files.forEach(found::add);
        } catch (IOException e) {
            throw new TokenizerException(folder + ": cannot be listed: " + e, e);
        }
        if (found.stream().map(VocabularyFolder::plainName).distinct().count() > 1) {
            throw new TokenizerException(folder + ": has more than one vocabulary; name one of them: " + found);
        }
        return found.isEmpty() ? null : found.getFirst();
    }

    /** The file of this name, plain or as gzip, or null. */
    private static @Nullable Path beside(Path folder, String name) {
        for (String suffix : List.of("", ".gz")) {
            Path file = folder.resolve(name + suffix);
            if (Files.isRegularFile(file)) {
                return file;
            }
        }
        return null;
    }

    private static String plainName(Path file) {
        Path last = file.getFileName();
        String name = (last == null ? file : last).toString().toLowerCase(Locale.ROOT);
        return name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
    }

    private static Vocabulary openFile(Path file) {
        String name = plainName(file);
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null && name.equals("merges.txt")) {
            return openPair(required(folder, "vocab.json", file), file);
        }
        if (folder != null && name.equals("vocab.json")) {
            return openPair(file, required(folder, "merges.txt", file));
        }
        VocabularyFile read = VocabularyFile.read(file);
        return name.endsWith(".json")
                ? HuggingFace.parse(read)
                : BpeText.parse(file.toString(), read.bytes(), SpecialTokens.OPEN_CLIP);
    }

    private static Vocabulary openPair(Path vocab, Path merges) {
        return HuggingFace.parse(VocabularyFile.read(vocab), VocabularyFile.read(merges));
    }

    private static Path required(Path folder, String name, Path known) {
        Path found = beside(folder, name);
        if (found == null) {
            throw new TokenizerException(
                    folder.resolve(name) + ": is missing; " + known + " cannot be used without it");
        }
        return found;
    }
}
