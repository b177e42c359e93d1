package jclip.tools;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jclip.eval.Interval;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

@Command(
        name = "eval",
        description = "How good a model is: zero-shot classification, retrieval, linear probe.",
        synopsisSubcommandLabel = "KIND",
        subcommands = {ZeroShotCommand.class, RetrievalCommand.class, ProbeCommand.class},
        footer = {
            "",
            "Example: jclip eval zeroshot --model ViT-B-32 --data shards --classes classes.txt --templates"
                    + " templates.txt",
            "Each kind explains itself: jclip eval probe --help."
        })
final class EvalCommand extends JclipCommand {
    @Override
    public Integer call() {
        throw wrong("Missing required subcommand: zeroshot, retrieval or probe");
    }

    /** A result's line; figures with an interval also as rows for people. */
    static final class Figures {
        private final Map<String, @Nullable Object> line = new LinkedHashMap<>();
        private final List<String[]> rows = new ArrayList<>();

        void add(String name, @Nullable Double value, @Nullable Interval interval, @Nullable Double chance) {
            line.put(name, value);
            line.put(name + "_ci95", interval == null ? null : List.of(interval.low(), interval.high()));
            rows.add(new String[] {
                name,
                percent(value),
                interval == null ? "" : percent(interval.low()) + " to " + percent(interval.high()),
                percent(chance)
            });
        }

        void put(String name, @Nullable Object value) {
            line.put(name, value);
        }

        /** Figures of a variant under a name of their own. */
        void put(String name, Figures variant) {
            line.put(name, variant.line);
            variant.rows.forEach(row -> rows.add(new String[] {name + " " + row[0], row[1], row[2], row[3]}));
        }

        private static String percent(@Nullable Double share) {
            return share == null ? "undefined" : String.format(Locale.ROOT, "%.2f %%", 100 * share);
        }
    }

    /** Says what was found, and what was left out; returns the exit code. */
    static int report(JclipCommand command, Figures figures, Map<String, Long> drops) {
        figures.put("dropped", drops);
        if (command.json) {
            command.printJson(figures.line);
        } else {
            Table table = new Table("lrrr", "figure", "value", "95 % interval", "chance");
            figures.rows.forEach(table::row);
            command.out().print(table);
            figures.line.forEach((name, value) -> {
                if (value instanceof Integer || value instanceof Long) {
                    command.out().println(name + ": " + value);
                }
            });
            command.out().flush();
        }
        drops.forEach((reason, count) -> command.complain(reason, count + " samples left out: " + reason));
        return drops.isEmpty() ? OK : FAILED;
    }
}
