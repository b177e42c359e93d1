package jclip.train;

import java.nio.file.Path;
import java.util.Map;

/** Told what a trainer does, on the trainer's thread, between steps; what it throws ends the run. */
public interface TrainerListener {
    /**
     * The run begins.
     *
     * @param config with every value resolved
     * @param firstStep the first step to come, beyond 0 when resumed
     * @param parameters of the model
     */
    default void started(TrainingConfig config, long firstStep, long parameters) {}

    /** A log interval has ended. */
    default void step(StepReport report) {}

    /** A state or a model has been saved, whole and durable. */
    default void saved(long step, Path place) {}

    /** Validation has ended; figures by name, such as {@code val_loss}. */
    default void validated(long step, Map<String, Double> figures) {}

    /**
     * The run has ended.
     *
     * @param step steps done in all
     * @param stopped whether it ended early, as {@link #stop()} asked
     */
    default void finished(long step, boolean stopped) {}

    /** Asked after every step from the trainer's thread: true makes it save its state and end. */
    default boolean stop() {
        return false;
    }
}
