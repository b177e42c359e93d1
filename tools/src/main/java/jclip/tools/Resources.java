package jclip.tools;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import jclip.checkpoint.Architecture;
import jclip.checkpoint.Checkpoint;

/** Files that travel in this jar. */
final class Resources {
    private Resources() {}

    static JsonObject json(String name) {
        return JsonObject.parse(new String(bytes(name), StandardCharsets.UTF_8));
    }

    static byte[] bytes(String name) {
        try (InputStream in = open(name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A model of a configuration in this jar, with weights by the formula. */
    static Checkpoint formula(String config) {
        try (InputStream in = open(config)) {
            return Checkpoint.formula(Architecture.parse(in, config), "", config.replace(".json", ""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream open(String name) {
        InputStream in = Resources.class.getResourceAsStream(name);
        if (in == null) {
            throw new IllegalStateException(name + " is missing in the jar of the command line: build it again");
        }
        return in;
    }
}
