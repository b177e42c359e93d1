package jclip.eval;

import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** Means over what is defined. */
public final class Mean {
    private Mean() {}

    /** The mean of the values that are not null, or null if there is none. */
    public static @Nullable Double ofDefined(Collection<? extends @Nullable Double> values) {
        double sum = 0;
        int count = 0;
        for (Double value : values) {
            if (value != null) {
                sum += value;
                count++;
            }
        }
        return count == 0 ? null : sum / count;
    }
}
