package jclip.tools.report;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Final figures, each with its 95 % interval and what chance would give.
 *
 * @param title heading
 * @param rows figures
 */
public record Figures(String title, List<Figure> rows) implements Section {
    /**
     * One figure.
     *
     * @param name as an evaluation names it
     * @param value found
     * @param low the interval's lower end, or null if there is none
     * @param high its upper end, or null
     * @param chance what guessing gives, or null if that means nothing
     */
    public record Figure(
            String name,
            double value,
            @Nullable Double low,
            @Nullable Double high,
            @Nullable Double chance) {}

    /** Keeps a copy. */
    public Figures {
        rows = List.copyOf(rows);
    }

    @Override
    public String html() {
        List<List<String>> cells = new ArrayList<>();
        for (Figure row : rows) {
            Double low = row.low();
            Double high = row.high();
            cells.add(List.of(
                    row.name(),
                    number(row.value()),
                    low == null || high == null ? "" : number(low) + " to " + number(high),
                    number(row.chance())));
        }
        return new Table(title, List.of("figure", "value", "95 % interval", "chance"), cells).html();
    }

    private static String number(@Nullable Double value) {
        if (value == null) {
            return "";
        }
        return Double.isFinite(value) ? Html.format("%.4f", value) : "not finite";
    }
}
