package jclip.checkpoint;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.SequencedMap;
import java.util.SequencedSet;

/** A file, or several, of named tensors. */
abstract sealed class TensorFile implements AutoCloseable permits Safetensors, ShardedSafetensors, TorchArchive {
    private final Path source;
    private final Arena arena = Arena.ofShared();

    TensorFile(Path source) {
        this.source = source;
    }

    /** The tensors where they lie, in the file's order. */
    abstract SequencedMap<String, StoredTensor> stored();

    /** The life time of what {@link #stored} points at. */
    final Arena arena() {
        return arena;
    }

    /** Returns the file that was opened. */
    public final Path source() {
        return source;
    }

    /** Returns the names in the file's order. */
    public final SequencedSet<String> names() {
        return stored().sequencedKeySet();
    }

    /**
     * Returns a tensor's values. A tensor that does not lie contiguously in the file is copied into memory that lives
     * as long as the file is open.
     *
     * @throws IllegalArgumentException if there is no tensor of this name
     */
    public final TensorView tensor(String name) {
        StoredTensor stored = stored().get(name);
        if (stored == null) {
            throw new IllegalArgumentException(source + ": no tensor '" + name + "'");
        }
        return stored.view(arena);
    }

    /** Unmaps the file; views that came from it end with it. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
