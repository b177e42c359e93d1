package jclip.tests;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import jclip.Clip;
import org.junit.jupiter.api.Test;

/** The floors of the house: who may know whom. */
class FloorsTest {
    private static final JavaClasses CLASSES = new ClassFileImporter().importUrl(library());

    /** The jar, or the folder of classes. */
    private static URL library() {
        URL place = Clip.class.getProtectionDomain().getCodeSource().getLocation();
        try {
            return place.getPath().endsWith(".jar") ? new URI("jar:" + place + "!/").toURL() : place;
        } catch (URISyntaxException | MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void packagesFormFloors() {
        assertThat(CLASSES).hasSizeGreaterThan(50);
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("face")
                .definedBy("jclip")
                .layer("train")
                .definedBy("jclip.train..")
                .layer("eval")
                .definedBy("jclip.eval..")
                .layer("model")
                .definedBy("jclip.model..")
                .layer("graph")
                .definedBy("jclip.graph..")
                .layer("checkpoint")
                .definedBy("jclip.checkpoint..")
                .layer("data")
                .definedBy("jclip.data..")
                .layer("text")
                .definedBy("jclip.text..")
                .layer("image")
                .definedBy("jclip.image..")
                .layer("backend")
                .definedBy("jclip.backend..")
                .whereLayer("face")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("train")
                .mayOnlyBeAccessedByLayers("face")
                .whereLayer("eval")
                .mayOnlyBeAccessedByLayers("face")
                .whereLayer("model")
                .mayOnlyBeAccessedByLayers("face", "train", "eval")
                .whereLayer("graph")
                .mayOnlyBeAccessedByLayers("face", "train", "model")
                .whereLayer("checkpoint")
                .mayOnlyBeAccessedByLayers("face", "train", "model")
                .whereLayer("data")
                .mayOnlyBeAccessedByLayers("face", "train", "eval")
                .whereLayer("text")
                .mayOnlyBeAccessedByLayers("face", "train", "data")
                .whereLayer("image")
                .mayOnlyBeAccessedByLayers("face", "train", "data")
                .whereLayer("backend")
                .mayOnlyBeAccessedByLayers("face", "train", "model", "graph", "image", "text", "checkpoint", "data")
                .check(CLASSES);
    }

    @Test
    void noCircles() {
        slices().matching("jclip.(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void theLibraryDoesNotPrintToStandardOutput() {
        ArchRuleDefinition.noClasses().should().accessField(System.class, "out").check(CLASSES);
    }

    @Test
    void noUnsafeAndNoReflection() {
        ArchRuleDefinition.noClasses()
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("sun.misc.Unsafe")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.reflect.Method")
                .check(CLASSES);
    }
}
