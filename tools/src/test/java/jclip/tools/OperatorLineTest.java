package jclip.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jclip.backend.Header;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.checkpoint.Checkpoint;
import org.junit.jupiter.api.Test;

/** Traced lines: taken apart, counted, and run again. */
class OperatorLineTest {
    private static final String GEMM =
            "gemm isa=%s a=f32:4096 packed=gemm_pack:96x512 bias=f32:96 residual=f32:768 y=@residual live=i64{3}"
                    + " rows=8 n=96 k=512 lda=512 ld_residual=96 ldy=96 activation=2 precision=0 # 12.3 us";
    private static final String ATTENTION =
            "attention isa=ref q=f32:320 k=f32:320 v=f32:320 y=f32:320 table=i32{0,2,0,2,2,1,2,3} live=- sequences=2"
                    + " q_tokens=2 kv_tokens=3 rows=5 heads=2 head_dim=32 ldq=64 ldk=64 ldv=64 ldy=64 causal=1"
                    + " scale=0.125";

    private final Library library = Library.cpu();
    private final Header header = library.header();

    @Test
    void operationsAreCounted() {
        assertThat(OperatorCost.flops(OperatorLine.parse(String.format(GEMM, "ref"), header)))
                .hasValue(2 * 3 * 96 * 512);
        // Sequence one: 1 + 2 keys; sequence two: one query that sees three.
        assertThat(OperatorCost.flops(OperatorLine.parse(ATTENTION, header))).hasValue(4 * 6 * 64);
    }

    @Test
    void aLineThatDoesNotFitIsRefused() {
        for (String bad : new String[] {
            "",
            "nonsense isa=ref",
            "gemm isa=ref rows=1",
            GEMM.replace("isa=%s", ""),
            String.format(GEMM, "sse"),
            String.format(GEMM, "ref").replace("rows=8", "rows=8 rows=9"),
        }) {
            assertThatThrownBy(() -> OperatorLine.parse(bad, header))
                    .as(bad)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void everyInstructionSetAgreesWithThePlainVersion() {
        for (Isa isa : Isa.values()) {
            if (isa.compareTo(library.bestIsa()) > 0) {
                continue;
            }
            OperatorLine line = OperatorLine.parse(String.format(GEMM, isa), header);
            try (Replay fast = new Replay(line, library, isa, 1);
                    Replay plain = new Replay(line, library, Isa.REF, 1)) {
                fast.run();
                plain.run();
                fast.run(); // the input that is overwritten comes back
                double[] errors = OpCommand.errors(fast.outputs(), plain.outputs());
                assertThat(errors[0]).as(isa.toString()).isLessThan(1e-6);
                float[] spoiled = plain.outputs().get("y").clone();
                spoiled[7] += 1;
                assertThat(OpCommand.errors(java.util.Map.of("y", spoiled), plain.outputs())[0])
                        .isGreaterThan(1e-3);
                spoiled[7] = Float.NaN;
                assertThat(OpCommand.errors(java.util.Map.of("y", spoiled), plain.outputs())[0])
                        .isInfinite();
            }
        }
    }

    /** The figures of the reference's own counter. */
    @Test
    void towersAreCounted() {
        try (Checkpoint vit = Checkpoint.formula("ViT-B-32");
                Checkpoint net = Checkpoint.formula("RN50")) {
            assertThat(Flops.image(vit.architecture()) / 1e9).isBetween(8.815, 8.825);
            assertThat(Flops.image(net.architecture())).isEqualTo(11_586_306_048L);
            assertThat(Flops.text(net.architecture())).isEqualTo(5_960_065_024L);
        }
    }
}
