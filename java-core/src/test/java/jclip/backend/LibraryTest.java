package jclip.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Finding, checking and describing the native library. */
class LibraryTest {
    @Test
    void runsAsANamedModule() {
        assertThat(Library.class.getModule().getName()).isEqualTo("io.jclip");
    }

    @Test
    void everyStructHasOnlyWideFieldsInTheHeadersOrder() throws IOException {
        Header header = Library.cpu().header();
        byte[] bytes = Header.class.getResourceAsStream("jclip.h").readAllBytes();
        String text = new String(bytes, StandardCharsets.UTF_8);
        // Counted without the parser's own pattern: every ";" between the braces of a struct ends one field.
        Matcher matcher =
                Pattern.compile("typedef struct \\{([^}]*)\\} jc_(\\w+)_args;").matcher(text);
        int structs = 0;
        while (matcher.find()) {
            String body = matcher.group(1).replaceAll("/\\*(?s:.*?)\\*/", "");
            Header.Struct struct = header.struct(matcher.group(2));
            assertThat(struct.fields()).as(struct.operator()).hasSize((int)
                    body.chars().filter(c -> c == ';').count());
            int at = 0;
            for (Header.Field field : struct.fields()) {
                int next = body.indexOf(field.name() + ";", at);
                assertThat(next).as("%s.%s", struct.operator(), field.name()).isGreaterThanOrEqualTo(at);
                at = next;
            }
            assertThat(body).doesNotContain("int32_t ").doesNotContain("float ").doesNotContain("char ");
            structs++;
        }
        assertThat(header.structs()).hasSize(structs);
    }

    @Test
    void everyDeclaredOperatorIsExported() {
        for (Header.Struct struct : Library.cpu().header().structs()) {
            assertThat(Library.cpu().operator(struct.operator()).address())
                    .as(struct.operator())
                    .isNotZero();
        }
    }

    /** Each operator has a record in jclip.graph.op, or is one of those that only pack weights or prepare pictures. */
    @Test
    void everyOperatorHasItsRecord() throws IOException {
        Set<String> named = new HashSet<>(Set.of("gemm_pack", "conv2d_pack"));
        Path folder = Path.of("src/main/java/jclip");
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
                String text = Files.readString(file);
                Matcher record = Pattern.compile("return \"(\\w+)\";").matcher(text);
                Matcher call =
                        Pattern.compile("new Call\\(\\s*\\w+,\\s*\"(\\w+)\"").matcher(text);
                record.results().forEach(r -> named.add(r.group(1)));
                call.results().forEach(r -> named.add(r.group(1)));
            }
        }
        assertThat(Library.cpu().header().structs())
                .extracting(Header.Struct::operator)
                .allMatch(named::contains);
    }

    @Test
    void anotherHeaderIsRefused() {
        Header other = Header.parse(
                "typedef struct {\n  float* x; /* out */\n} jc_other_args;\n".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> Library.open(Library.cpu().path(), other, null))
                .isInstanceOf(LibraryException.class)
                .hasMessageContaining("another jclip.h")
                .hasMessageContaining(other.hash());
    }

    @Test
    void isaIsForcedOrRefused() {
        Header header = Library.cpu().header();
        for (Isa isa : Isa.values()) {
            if (isa.compareTo(Library.cpu().bestIsa()) <= 0) {
                assertThat(Library.open(Library.cpu().path(), header, isa.toString())
                                .isa())
                        .isEqualTo(isa);
            }
        }
        assertThatThrownBy(() -> Library.open(Library.cpu().path(), header, "sse9"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("JCLIP_ISA");
    }

    @Test
    void unpacksIntoTheCacheAndMendsABrokenCopy(@TempDir Path cache) throws IOException {
        Map<String, String> environment = Map.of("JCLIP_CACHE", cache.toString());
        Path file = LibraryFinder.find(Library.cpu().header(), environment).path();
        assertThat(file).startsWith(cache);
        byte[] good = Files.readAllBytes(file);
        Files.delete(file);
        Files.write(file, new byte[] {1, 2, 3});
        assertThat(LibraryFinder.find(Library.cpu().header(), environment).path())
                .isEqualTo(file);
        assertThat(Files.readAllBytes(file)).isEqualTo(good);
        try (Stream<Path> files = Files.list(file.getParent())) {
            assertThat(files.toList()).containsExactly(file);
        }
    }

    @Test
    void anUnusableCacheFallsBackToTheTemporaryFolder(@TempDir Path folder) throws IOException {
        Path blocked = Files.writeString(folder.resolve("a-file"), "not a folder");
        Path file = LibraryFinder.find(Library.cpu().header(), Map.of("JCLIP_CACHE", blocked.toString()))
                .path();
        assertThat(file).startsWith(Path.of(System.getProperty("java.io.tmpdir")));
    }

    @Test
    void anExplicitPropertyThatFailsIsFinal(@TempDir Path folder) {
        System.setProperty("jclip.library", folder.resolve("missing.so").toString());
        try {
            assertThatThrownBy(() -> LibraryFinder.find(Library.cpu().header(), Map.of()))
                    .isInstanceOf(LibraryException.class)
                    .hasMessageContaining("missing.so")
                    .hasMessageContaining("no such file");
        } finally {
            System.clearProperty("jclip.library");
        }
    }

    @Test
    void needsNothingNewerThanGlibc228AndNoCxxRuntime() throws Exception {
        Path library = Library.cpu().path();
        assertThat(Files.size(library)).isLessThan(3_000_000);
        String dynamic = output("objdump", "-p", library.toString());
        assertThat(dynamic.lines().filter(l -> l.contains("NEEDED")).map(l -> l.strip()
                        .split("\\s+")[1]))
                .isSubsetOf("libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2");
        Matcher version = Pattern.compile("GLIBC_2\\.(\\d+)").matcher(output("objdump", "-T", library.toString()));
        int seen = 0;
        while (version.find()) {
            assertThat(Integer.parseInt(version.group(1))).as(version.group()).isLessThanOrEqualTo(28);
            seen++;
        }
        assertThat(seen).isPositive();
    }

    private static String output(String... command) throws Exception {
        Process process =
                new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(text).isZero();
        return text;
    }
}
