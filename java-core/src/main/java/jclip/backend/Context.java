package jclip.backend;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** One {@code jc_context}: what a run of calls needs besides its arguments. Not for two threads at once. */
public final class Context implements AutoCloseable {
    private static final int ISA = 0;
    private static final int THREADS = 8;
    private static final int FAILED = 32;
    private static final int MESSAGE = 40;
    private static final int MESSAGE_BYTES = 512;

    private final Library library;
    private final NativeMemory memory;

    /** A context of the library's instruction set that may use the whole pool. */
    public Context(Library library) {
        this(library, library.isa(), 0);
    }

    /**
     * A context of a forced instruction set.
     *
     * @param threads cap for one call; 0: the whole pool
     */
    public Context(Library library, Isa isa, int threads) {
        this.library = library;
        this.memory = NativeMemory.allocate(MESSAGE + MESSAGE_BYTES);
        memory.segment().set(ValueLayout.JAVA_LONG, ISA, isa.code());
        memory.segment().set(ValueLayout.JAVA_LONG, THREADS, threads);
    }

    /** The library it belongs to. */
    public Library library() {
        return library;
    }

    /** Its instruction set. */
    public Isa isa() {
        return Isa.ofCode(memory.segment().get(ValueLayout.JAVA_LONG, ISA));
    }

    /** Whether its instruction set has products of bf16. */
    public boolean multipliesBf16() {
        return library.multipliesBf16(memory.segment());
    }

    MemorySegment segment() {
        return memory.segment();
    }

    /**
     * Executes {@code n} calls ({@code jc_call}s) in order. Allocates nothing unless a call fails.
     *
     * @param nanos {@link MemorySegment#NULL}, or n longs for the time of each call
     * @throws IllegalArgumentException what the operator says was wrong, and the index of its call
     */
    public void run(MemorySegment calls, long n, MemorySegment nanos) {
        int status = library.run(memory.segment(), calls, n, nanos);
        if (status != 0) {
            throw new IllegalArgumentException("call " + memory.segment().get(ValueLayout.JAVA_LONG, FAILED) + ": "
                    + memory.segment().getString(MESSAGE) + " (status " + status + ")");
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
