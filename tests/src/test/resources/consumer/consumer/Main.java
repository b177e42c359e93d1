package consumer;

import jclip.Clip;
import jclip.backend.Library;
import jclip.image.ImageException;
import jclip.text.Tokenizer;

/** What a modular application sees: everything through exported packages, the native library loaded. */
public final class Main {
    public static void main(String[] args) {
        System.out.println(Clip.class.getModule().getName() + " named="
                + Clip.class.getModule().isNamed());
        System.out.println(Library.cpu().isa() != null ? "library loaded" : "?");
        System.out.println(Tokenizer.standard().encode("a photo of a cat").length);
        try (Clip clip = Clip.load(java.nio.file.Path.of("does-not-exist"))) {
            System.out.println("loaded " + clip);
        } catch (jclip.checkpoint.CheckpointException | ImageException e) {
            System.out.println("refused: " + e.getMessage());
        }
    }
}
