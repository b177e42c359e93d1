package jclip.train;

/** What a run tells while it goes on; called by the thread that trains. Every method has a default that does nothing. */
public interface TrainerListener {
    /** Hears nothing. */
    TrainerListener NONE = new TrainerListener() {};

    /**
     * Before the first step.
     *
     * @param step that the run begins with: not 0 if it was resumed
     * @param steps of the whole run
     * @param parameters of the model
     * @param arenaBytes memory for activations
     */
    default void started(long step, long steps, long parameters, long arenaBytes) {}

    /** At the end of every log interval. */
    default void step(StepReport report) {}

    /** After a validation; chance is the loss of features that know nothing. */
    default void validated(long step, double loss, double chance) {}

    /** After a snapshot. */
    default void saved(long step) {}

    /** Asked between steps, from the training thread: true finishes the run after this step and saves it. */
    default boolean stopRequested() {
        return false;
    }
}
