package jclip.backend;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.CodeSource;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds {@code libjclip.so}: the system property {@code jclip.library}, beside the jar, then the copy in the jar, unpacked under its hash
 * into a per-user cache ({@code JCLIP_CACHE}, {@code XDG_CACHE_HOME/jclip}, {@code ~/.cache/jclip}) or, if that cannot be written or
 * loaded from, into the temporary folder. An explicit property that fails is final: nothing else is tried behind the user's back.
 */
final class LibraryFinder {
    private static final String FILE = "libjclip.so";
    private static final String RESOURCE = "META-INF/jclip/linux-x86_64/" + FILE;

    private final Header header;
    private final @Nullable String isa;
    private final StringBuilder tried = new StringBuilder();

    private LibraryFinder(Header header, @Nullable String isa) {
        this.header = header;
        this.isa = isa;
    }

    static Library find(Header header, Map<String, String> environment) {
        String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        if (!system.equals("Linux amd64")) {
            throw new LibraryException("jclip's native library is written for Linux on x86-64; this is " + system);
        }
        return new LibraryFinder(header, environment.get("JCLIP_ISA")).find(environment);
    }

    private Library find(Map<String, String> environment) {
        String explicit = System.getProperty("jclip.library");
        if (explicit != null) {
            return attempt(Path.of(explicit), "property jclip.library").orElseThrow(this::nothing);
        }
        Path beside = beside();
        if (beside != null && Files.exists(beside)) {
            Optional<Library> library = attempt(beside, "beside the jar");
            if (library.isPresent()) {
                return library.get();
            }
        }
        byte[] content = content();
        String folder = sha256(content).substring(0, 16);
        Optional<Library> library = unpack(content, cache(environment).resolve(folder), "cache");
        if (library.isEmpty()) {
            Path temporary = Path.of(System.getProperty("java.io.tmpdir"), "jclip-" + System.getProperty("user.name"));
            library = unpack(content, temporary.resolve(folder), "temporary folder");
        }
        return library.orElseThrow(this::nothing);
    }

    private LibraryException nothing() {
        return new LibraryException("the native library of jclip could not be loaded. Tried:" + tried
                + "\nSet -Djclip.library=FILE, or JCLIP_CACHE to a folder that is writable and not mounted noexec.");
    }

    private Optional<Library> attempt(Path file, String place) {
        try {
            return Optional.of(Library.open(file.toAbsolutePath(), header, isa));
        } catch (IllegalArgumentException | LibraryException e) {
            if (isa != null && String.valueOf(e.getMessage()).startsWith("JCLIP_ISA")) {
                throw e;
            }
            note(file, place, reason(file, e));
            return Optional.empty();
        }
    }

    private static String reason(Path file, RuntimeException e) {
        if (!Files.exists(file)) {
            return "no such file";
        }
        String noexec = Mounts.isNoexec(file) ? "; the folder is mounted noexec" : "";
        return String.valueOf(e.getMessage()) + noexec;
    }

    private void note(Path file, String place, String reason) {
        tried.append("\n  ")
                .append(file)
                .append(" (")
                .append(place)
                .append("): ")
                .append(reason);
    }

    private static @Nullable Path beside() {
        CodeSource source = LibraryFinder.class.getProtectionDomain().getCodeSource();
        if (source == null || source.getLocation() == null) {
            return null;
        }
        try {
            Path jar = Path.of(source.getLocation().toURI());
            return jar.resolveSibling(FILE);
        } catch (URISyntaxException | IllegalArgumentException | java.nio.file.FileSystemNotFoundException e) {
            return null; // classes from somewhere without a folder: nothing lies beside them
        }
    }

    private byte[] content() {
        ClassLoader loader = LibraryFinder.class.getClassLoader();
        try (InputStream in = loader == null ? null : loader.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                note(
                        Path.of(RESOURCE),
                        "class and module path",
                        "not there; is jclip-native (classifier linux-x86_64) missing?");
                throw nothing();
            }
            return in.readAllBytes();
        } catch (IOException e) {
            note(Path.of(RESOURCE), "class and module path", e.toString());
            throw nothing();
        }
    }

    private static Path cache(Map<String, String> environment) {
        String own = environment.get("JCLIP_CACHE");
        if (own != null && !own.isBlank()) {
            return Path.of(own);
        }
        String xdg = environment.get("XDG_CACHE_HOME");
        return xdg != null && !xdg.isBlank()
                ? Path.of(xdg, "jclip")
                : Path.of(System.getProperty("user.home"), ".cache", "jclip");
    }

    /** Puts the content there under its final name in one step, unless the same bytes are there already, and loads it. */
    private Optional<Library> unpack(byte[] content, Path folder, String place) {
        Path file = folder.resolve(FILE);
        try {
            if (!Files.isRegularFile(file) || !sha256(Files.readAllBytes(file)).equals(sha256(content))) {
                Files.createDirectories(folder);
                Path part = Files.createTempFile(folder, FILE, ".part");
                try {
                    Files.write(part, content, StandardOpenOption.SYNC);
                    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                } finally {
                    Files.deleteIfExists(part);
                }
            }
        } catch (IOException e) {
            note(file, place, "cannot be written: " + e);
            return Optional.empty();
        }
        return attempt(file, place);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
