package jclip.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;
import jclip.backend.Library;

/** What a stored result says first: machine, commit, command, date and how busy the machine was. */
final class Report {
    private Report() {}

    static Map<String, String> head(Machine machine, String command) {
        Map<String, String> head = new LinkedHashMap<>();
        head.put("machine", machine.kind());
        head.put("processor", machine.processor());
        head.put("commit", System.getProperty("jclip.commit", "not given"));
        head.put("command", command);
        head.put("date", LocalDate.now(ZoneOffset.UTC).toString());
        head.put("load average at the end", Machine.load());
        return head;
    }

    /** Writes a page under the folder of this machine kind and shows it. */
    static void write(Path results, String name, String title, String command, String body) throws IOException {
        Machine machine = Machine.here(Library.cpu().bestIsa());
        StringBuilder text = new StringBuilder("# " + title + "\n\n");
        head(machine, command)
                .forEach((key, value) ->
                        text.append("- ").append(key).append(": ").append(value).append('\n'));
        text.append('\n').append(body);
        Files.createDirectories(results.resolve(machine.kind()));
        Files.writeString(results.resolve(machine.kind()).resolve(name), text);
        System.out.print(text);
    }
}
