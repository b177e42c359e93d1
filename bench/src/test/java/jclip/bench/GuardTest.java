package jclip.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import jclip.backend.Isa;
import jclip.backend.Library;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuardTest {
    private static Measurement measured(double share, double plain) {
        return new Measurement(
                "gemm rows=50 n=8 k=8", Isa.AVX2, Ratio.of(new double[] {share}), Ratio.of(new double[] {plain}));
    }

    @Test
    void aRatioMoreThanAFifthBelowHasFallen() {
        GuardFile.Stored stored = new GuardFile.Stored(0.8, 30);
        assertThat(Guard.hasFallen(measured(0.8, 30), stored)).isFalse();
        assertThat(Guard.hasFallen(measured(0.65, 24.1), stored)).isFalse();
        assertThat(Guard.hasFallen(measured(0.63, 30), stored)).isTrue();
        assertThat(Guard.hasFallen(measured(0.8, 23.9), stored)).isTrue();
        assertThat(Guard.hasFallen(measured(0.1, 1), null)).isFalse();
    }

    @Test
    void whatIsStoredIsReadBack(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("kind/guard.json");
        GuardFile.write(file, Map.of("machine", "kind"), List.of(measured(0.8, 30)));
        assertThat(GuardFile.read(file))
                .containsExactly(Map.entry("avx2 gemm rows=50 n=8 k=8", new GuardFile.Stored(0.8, 30)));
    }

    @Test
    void aRunHasARatioForEveryFastInstructionSet() {
        Library library = Library.cpu();
        List<Measurement> found = new Rounds(library, 3).measure(Line.parse("gemm rows=50 n=256 k=256"));
        assertThat(found).hasSize(library.bestIsa().ordinal());
        assertThat(found).allSatisfy(m -> {
            assertThat(m.share().median()).isPositive().isLessThan(1.2);
            assertThat(m.plain().median()).isPositive();
            assertThat(m.share().low()).isLessThanOrEqualTo(m.share().high());
        });
    }

    @Test
    void everyGuardedLineIsACase() {
        assertThat(Guard.LINES)
                .allSatisfy(line ->
                        assertThat(Case.of(Line.parse(line)).amount().bytes()).isPositive());
    }

    @Test
    void theSameMachineHasTheSameKind() {
        Map<String, String> epyc = Map.of("model name", "AMD EPYC", "cpu family", "25", "model", "17");
        Map<String, String> xeon =
                Map.of("model name", "Intel(R) Xeon(R) CPU @ 2.20GHz", "cpu family", "6", "model", "79");
        assertThat(Machine.of(epyc, Isa.AVX512, 2).kind()).isEqualTo("amd-epyc-zen4-2c");
        assertThat(Machine.of(xeon, Isa.AVX2, 4).kind()).isEqualTo("intel-xeon-avx2-4c");
    }
}
