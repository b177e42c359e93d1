package jclip.checkpoint;

import java.util.Optional;

/** The activation function of the transformers' MLPs. A ResNet's convolutions use ReLU whatever it says. */
public enum Activation {
    /** {@code x * sigmoid(1.702 x)}. */
    QUICK_GELU("quick_gelu"),
    /** Exact: {@code x/2 * (1 + erf(x / sqrt 2))}. */
    GELU("gelu");

    private final String configName;

    Activation(String configName) {
        this.configName = configName;
    }

    /** Returns the name in configurations: {@code quick_gelu} or {@code gelu}. */
    public String configName() {
        return configName;
    }

    static Optional<Activation> named(String name) {
        return java.util.Arrays.stream(values())
                .filter(value -> value.configName.equals(name))
                .findFirst();
    }
}
