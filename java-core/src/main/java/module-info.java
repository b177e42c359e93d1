/**
 * jclip: CLIP on the JVM. Pass {@code --enable-native-access=io.jclip}.
 *
 * <p>The public face is the package {@code jclip}; the other exported packages are its parts, usable alone.
 */
module io.jclip {
    requires io.jclip.natives;
    requires com.fasterxml.jackson.core;
    requires org.apache.commons.compress;
    requires static transitive org.jspecify;
    requires transitive java.desktop;

    exports jclip;
    exports jclip.backend;
    exports jclip.checkpoint;
    exports jclip.data;
    exports jclip.eval;
    exports jclip.graph;
    exports jclip.graph.op;
    exports jclip.image;
    exports jclip.model;
    exports jclip.text;
    exports jclip.train;
}
