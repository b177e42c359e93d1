package jclip.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run's settings and their file. */
class TrainingConfigTest {
    @TempDir
    private Path folder;

    private TrainingConfig read(String json) throws IOException {
        Path file = folder.resolve("config.json");
        Files.writeString(file, json);
        return TrainingConfig.read(file);
    }

    @Test
    void whatIsWrittenIsReadAndComplete() throws IOException {
        TrainingConfig config = read("{\"lr\":1e-3,\"batch-size\":128,\"train_data\":[\"a/{000..012}.tar@2.5\",\"b@c\"],"
                + "\"loss\":\"siglip\",\"cut_text\":false}");
        assertThat(read(config.json())).isEqualTo(config);
        assertThat(config.values()).hasSameSizeAs(TrainingConfig.settings());
        assertThat(config.length().batchSize()).isEqualTo(128);
        assertThat(config.data().train())
                .containsExactly(
                        new TrainingConfig.Source("a/{000..012}.tar", 2.5), new TrainingConfig.Source("b@c", 1));
        assertThat(config.loss()).isEqualTo("siglip");
        assertThat(config.data().cutText()).isFalse();
        assertThat(config.optimiser().beta2()).isEqualTo(0.98);
        assertThat(config.frozen().image()).isFalse();
        assertThat(config.compute().precision()).isEqualTo("fp32");
        assertThat(config.intervals().keep()).isEqualTo(2);
        assertThat(config.model().init()).isEmpty();
    }

    @Test
    void mistakesAreNamed() {
        Map<String, String> wrong = Map.ofEntries(
                Map.entry("{\"batch_sise\":1}", "did you mean 'batch_size'?"),
                Map.entry("{\"qqqqqqqqqqqq\":1}", "no setting 'qqqqqqqqqqqq'"),
                Map.entry("{\"batch_size\":0}", "batch_size"),
                Map.entry("{\"batch_size\":1.5}", "a whole number"),
                Map.entry("{\"lr\":\"fast\"}", "a finite number"),
                Map.entry("{\"lr\":-1}", "'lr'"),
                Map.entry("{\"lr\":1,\"lr\":2}", "line 1"),
                Map.entry("{\"lr\":null}", "null"),
                Map.entry("{\"beta1\":1}", "beta1"),
                Map.entry("{\"eps\":0}", "eps"),
                Map.entry("{\"loss\":\"l2\"}", "clip, siglip"),
                Map.entry("{\"resume\":1}", "true or false"),
                Map.entry("{\"train_data\":[1]}", "train_data"),
                Map.entry("{\"train_data\":[\"a@0\"]}", "weight"),
                Map.entry("{\"aug_scale_min\":0.9,\"aug_scale_max\":0.5}", "aug_scale_min"),
                Map.entry("{\"chunk_size\":7}", "divisor"),
                Map.entry("[]", "object"));
        wrong.forEach((json, message) -> assertThatThrownBy(() -> read(json))
                .as(json)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining(message));
    }

    @Test
    void stepsAndWarmUpAreResolved() {
        TrainingConfig config = TrainingConfig.standard().with(Map.of("epochs", "3"));
        assertThatThrownBy(config::schedule).isInstanceOf(IllegalStateException.class);
        TrainingConfig resolved = config.resolved(50);
        assertThat(resolved.length().steps()).isEqualTo(150);
        assertThat(resolved.schedule()).isEqualTo(new Schedule.Cosine(5e-4, 15, 150));
        assertThat(config.with(Map.of("steps", 7, "warmup", 0)).resolved(50).schedule())
                .isEqualTo(new Schedule.Cosine(5e-4, 0, 7));
        assertThat(config.with(Map.of("schedule", "const")).resolved(1).schedule())
                .isInstanceOf(Schedule.Constant.class);
    }

    @Test
    void everySettingHasAFlagAndTakesItsOwnStandard() {
        for (Setting setting : TrainingConfig.settings()) {
            assertThat(setting.flag()).matches("--[a-z0-9-]+");
            assertThat(setting.value(setting.standard())).isEqualTo(setting.standard());
            if (!(setting.standard() instanceof List)) {
                assertThat(setting.value(setting.standard().toString())).isEqualTo(setting.standard());
            }
        }
        assertThat(Settings.distance("kitten", "sitting")).isEqualTo(3);
    }
}
