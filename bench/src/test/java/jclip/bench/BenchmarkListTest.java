package jclip.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** JMH's generator is silent where it does not run; then there would be nothing to benchmark. */
class BenchmarkListTest {
    @Test
    void everyBenchmarkIsListed() throws IOException {
        try (InputStream in = Benchmarks.class.getResourceAsStream("/META-INF/BenchmarkList")) {
            assertThat(in).as("META-INF/BenchmarkList").isNotNull();
            String list = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            assertThat(list)
                    .contains(
                            "GemmBenchmark",
                            "AttentionBenchmark",
                            "LayerNormBenchmark",
                            "Conv2dBenchmark",
                            "PatchEmbedBenchmark",
                            "ResampleBenchmark",
                            "ContrastiveLossBenchmark",
                            "MatrixLossBenchmark",
                            "PreprocessBenchmark",
                            "TokenizerBenchmark",
                            "TowerBenchmark");
        }
    }
}
