package jclip.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import jclip.Fixtures;
import org.junit.jupiter.api.Test;

/** Schedules, layer decay, average decay and who decays: by hand, and every case of the fixtures. */
class TrainingTablesTest {
    private static final double TIGHT = 1e-15;

    @Test
    void warmUpRisesAndReachesTheBase() {
        Schedule cosine = new Schedule.Cosine(1, 4, 8);
        assertThat(cosine.at(0)).isEqualTo(0.25);
        assertThat(cosine.at(3)).isEqualTo(1);
        assertThat(cosine.at(4)).isEqualTo(1);
        assertThat(cosine.at(6)).isEqualTo(0.5, within(TIGHT));
        assertThat(cosine.at(8)).isEqualTo(0, within(TIGHT));
        Schedule constant = new Schedule.Constant(2, 4);
        assertThat(constant.at(1)).isEqualTo(1);
        assertThat(constant.at(1_000_000)).isEqualTo(2);
    }

    @Test
    void cooldownFallsToItsEnd() {
        Schedule schedule = new Schedule.ConstantCooldown(1, 0, 10, 4, 2, 0.2);
        assertThat(schedule.at(5)).isEqualTo(1);
        assertThat(schedule.at(6)).isEqualTo(1);
        assertThat(schedule.at(8)).isEqualTo(0.25 * 0.8 + 0.2, within(TIGHT));
        assertThat(schedule.at(10)).isEqualTo(0.2, within(TIGHT));
        assertThat(new Schedule.ConstantCooldown(1, 0, 10, 0, 1, 0).at(9)).isEqualTo(1);
    }

    @Test
    void wrongNumbersAreRefused() {
        List<Runnable> wrong = List.of(
                () -> new Schedule.Cosine(Double.NaN, 0, 1),
                () -> new Schedule.Cosine(1, -1, 1),
                () -> new Schedule.Cosine(1, 0, 0),
                () -> new Schedule.ConstantCooldown(1, 0, 9, -1, 1, 0),
                () -> new Schedule.ConstantCooldown(1, 0, 9, 1, 0, 0),
                () -> new AverageDecay(1.1, false),
                () -> new AverageDecay(0.5, true).at(0),
                () -> LayerDecay.visionTransformer(0, 1, 1),
                () -> LayerDecay.visionTransformer(0.5, 1, 1).scale("visual.layer1.0.conv1.weight"),
                () -> LayerDecay.visionTransformer(0.5, 1, 1).scale("transformer.resblocks.1.ln_1.weight"),
                () -> LayerDecay.resNet(0.5, 1).scale("unheard.of"));
        wrong.forEach(one -> assertThatThrownBy(one::run).isInstanceOf(IllegalArgumentException.class));
    }

    @Test
    void eachTowerDecaysFromItsOwnTop() {
        LayerDecay vit = LayerDecay.visionTransformer(0.5, 2, 1);
        assertThat(vit.scale("visual.conv1.weight")).isEqualTo(0.125);
        assertThat(vit.scale("visual.transformer.resblocks.1.mlp.c_fc.bias")).isEqualTo(0.5);
        assertThat(vit.scale("visual.proj")).isEqualTo(1);
        assertThat(vit.scale("token_embedding.weight")).isEqualTo(0.25);
        assertThat(vit.scale("logit_scale")).isEqualTo(1);
        assertThat(vit.scale("logit_bias")).isEqualTo(1);
        LayerDecay resNet = LayerDecay.resNet(0.5, 3);
        assertThat(resNet.scale("visual.bn3.bias")).isEqualTo(0.03125);
        assertThat(resNet.scale("visual.layer4.2.conv1.weight")).isEqualTo(0.5);
        assertThat(resNet.scale("visual.attnpool.positional_embedding")).isEqualTo(1);
    }

    @Test
    void gainsBiasesAndTheLogitScaleDoNotDecay() {
        for (String name : List.of("visual.conv1.weight", "token_embedding.weight", "positional_embedding", "proj")) {
            assertThat(DecayRule.decays(name, 2)).as(name).isTrue();
        }
        for (String name : List.of("ln_post.weight", "visual.bn1.weight", "a.in_proj_bias", "logit_scale")) {
            assertThat(DecayRule.decays(name, 2)).as(name).isFalse();
        }
        assertThat(DecayRule.decays("visual.class_embedding", 1)).isFalse();
    }

    @Test
    void averagesWarmUp() {
        assertThat(new AverageDecay(0.9, true).at(1)).isEqualTo(2.0 / 11);
        assertThat(new AverageDecay(0.9, true).at(1000)).isEqualTo(0.9);
        assertThat(new AverageDecay(0.9, false).at(1)).isEqualTo(0.9);
    }

    @Test
    void everyCaseOfTheFixtures() throws IOException {
        int run = 0;
        for (Path folder : Fixtures.cases("training")) {
            byte[] bytes = Files.readAllBytes(folder.resolve("case.json"));
            Map<?, ?> about = Json.object(bytes, 0, bytes.length);
            Map<?, ?> params = map(about, "params");
            Map<?, ?> expected = about.get("expected") instanceof Map<?, ?> given ? given : Map.of();
            switch ((String) about.get("kind")) {
                case "schedule" -> run += schedule(about, params, expected);
                case "layer_decay" -> run += layerDecay(about, params, expected);
                case "ema" -> run += average(about, params, expected);
                case "step" -> run += decayed(params);
                default -> {}
            }
        }
        if (run == 0) {
            System.err.println("no training fixtures here: schedules and decays were checked by hand only");
        }
    }

    private static int schedule(Map<?, ?> about, Map<?, ?> params, Map<?, ?> expected) {
        double base = number(params, "base_lr");
        long warmup = (Long) params.get("warmup");
        long steps = (Long) params.get("total_steps");
        Schedule schedule =
                switch ((String) params.get("type")) {
                    case "cosine" -> new Schedule.Cosine(base, warmup, steps);
                    case "const" -> new Schedule.Constant(base, warmup);
                    default ->
                        new Schedule.ConstantCooldown(
                                base,
                                warmup,
                                steps,
                                (Long) params.get("cooldown_steps"),
                                number(params, "cooldown_power"),
                                number(params, "cooldown_end_lr"));
                };
        List<?> at = (List<?>) expected.get("step");
        for (int i = 0; i < at.size(); i++) {
            check(about, "lr", schedule.at((Long) at.get(i)), (Number) ((List<?>) expected.get("lr")).get(i));
        }
        return 1;
    }

    private static int layerDecay(Map<?, ?> about, Map<?, ?> params, Map<?, ?> expected) {
        double decay = number(params, "decay");
        int text = (int) number(params, "text_layers");
        LayerDecay rule = params.get("arch").equals("vit")
                ? LayerDecay.visionTransformer(decay, (int) number(params, "image_layers"), text)
                : LayerDecay.resNet(decay, text);
        for (Object row : (List<?>) expected.get("table")) {
            Map<?, ?> entry = (Map<?, ?>) row;
            double scale = rule.scale((String) entry.get("name"));
            check(about, "lr", scale, (Number) entry.get("scale"));
            check(about, "lr", scale * number(params, "base_lr"), (Number) entry.get("lr"));
        }
        return 1;
    }

    private static int average(Map<?, ?> about, Map<?, ?> params, Map<?, ?> expected) {
        AverageDecay decay = new AverageDecay(number(params, "decay"), (Boolean) params.get("warmup"));
        List<?> wanted = (List<?>) expected.get("decay");
        for (int i = 0; i < wanted.size(); i++) {
            check(about, "decay", decay.at(i + 1), (Number) wanted.get(i));
        }
        return 1;
    }

    /** By names: of those that could decay, the class embedding and a downsampling's gains have one dimension. */
    private static int decayed(Map<?, ?> params) {
        List<String> ours = new ArrayList<>();
        for (Object name : (List<?>) params.get("trainable")) {
            boolean vector = ((String) name).endsWith("class_embedding") || ((String) name).contains("downsample.1.");
            int dimensions = vector ? 1 : 2;
            if (DecayRule.decays((String) name, dimensions)) {
                ours.add((String) name);
            }
        }
        List<String> theirs = ((List<?>) params.get("decayed"))
                .stream().map(String.class::cast).toList();
        assertThat(ours).containsExactlyInAnyOrderElementsOf(theirs);
        return 1;
    }

    private static void check(Map<?, ?> about, String what, double found, Number expected) {
        Map<?, ?> tolerance = map(map(about, "tolerance"), what);
        double limit = number(tolerance, "abs") + number(tolerance, "rel") * Math.abs(expected.doubleValue());
        assertThat(found).as("%s %s", about.get("name"), what).isEqualTo(expected.doubleValue(), within(limit));
    }

    private static Map<?, ?> map(Map<?, ?> parent, String key) {
        return (Map<?, ?>) Objects.requireNonNull(parent.get(key));
    }

    private static double number(Map<?, ?> parent, String key) {
        return ((Number) Objects.requireNonNull(parent.get(key))).doubleValue();
    }
}
