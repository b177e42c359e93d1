package jclip.train;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What came of a run.
 *
 * @param step optimiser steps made, by this and earlier sittings
 * @param steps wanted
 * @param finished whether all were made; otherwise the state was saved and can be resumed
 * @param validationLoss the last one, or null if there was none
 * @param model the exported checkpoint's folder, there if finished
 */
public record TrainingOutcome(
        long step, long steps, boolean finished, @Nullable Double validationLoss, Path model) {}
