package jclip.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jclip.backend.Context;
import jclip.backend.Isa;
import jclip.backend.Library;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CaseTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "gemm rows=3 n=20 k=17 activation=2",
                "attention tokens=9 heads=2",
                "attention tokens=20 heads=2 causal=1 packed=1 sequences=5",
                "layer_norm rows=3 width=32 residual=1",
                "conv2d size=9 channels=3 out=8 kernel=3 stride=2 nchw=1",
                "conv2d size=5 channels=8 out=8 kernel=1",
                "patch_embed size=8 patch=4 width=32",
                "contrastive_loss rows=40 width=16",
                "contrastive_loss rows=40 width=16 gradient=1 kind=1",
                "resample from=40 to=16",
                "resample from=8 to=16"
            })
    void everyOperatorRunsOnEveryInstructionSet(String text) {
        Line line = Line.parse(text);
        assertThat(line).hasToString(text);
        Library library = Library.cpu();
        for (Isa isa : Isa.values()) {
            if (isa.compareTo(library.bestIsa()) <= 0) {
                try (Context context = new Context(library, isa, 1);
                        Work work = Case.of(line).open(context)) {
                    work.run();
                }
            }
        }
    }

    @Test
    void amountsAreThoseOfTheFormulas() {
        assertThat(Case.of(Line.parse("gemm rows=50 n=3072 k=768")).amount().flops())
                .isEqualTo(2.0 * 50 * 3072 * 768);
        assertThat(Case.of(Line.parse("gemm rows=1 n=3072 k=768")).amount().isCopy())
                .isTrue();
        // Published: ViT-B/32 4.4, its text tower 3.0 without causal savings, RN50 6.1 (image tower of CLIP)
        // multiply-adds x 1e9.
        assertThat(new Tower("ViT-B-32/image").amount(1).flops()).isBetween(8.0e9, 9.0e9);
        assertThat(new Tower("ViT-B-32/text").amount(2).flops())
                .isEqualTo(2 * new Tower("ViT-B-32/text").amount(1).flops());
        assertThat(new Tower("ViT-B-32/text").amount(1).flops()).isBetween(5.0e9, 6.2e9);
        assertThat(new Tower("RN50/image").amount(1).flops()).isBetween(10.0e9, 13.0e9);
    }

    @Test
    void unknownAndIncompleteLinesAreRefused() {
        assertThatThrownBy(() -> Case.of(Line.parse("fold rows=1"))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Case.of(Line.parse("gemm rows=1"))).hasMessageContaining("lacks n");
        assertThatThrownBy(() -> Line.parse("gemm rows")).hasMessageContaining("name=number");
    }
}
