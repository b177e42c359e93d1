package jclip.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One block of zeroed native memory, page-aligned, from the operating system: pages that are never touched cost nothing, so a block may be
 * as large as the largest shape asks. Not collected by Java: {@link #close} gives it back at once. Safe for many threads; who closes it
 * must know that nobody uses it any more.
 */
@SuppressWarnings("restricted")
public final class NativeMemory implements AutoCloseable {
    private static final int READ_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS_NORESERVE = 0x2 | 0x20 | 0x4000;
    private static final MethodHandle MMAP = libc(
            "mmap",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle MUNMAP =
            libc("munmap", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final AtomicLong LIVE = new AtomicLong();

    private final MemorySegment segment;
    private final AtomicBoolean closed = new AtomicBoolean();

    private NativeMemory(MemorySegment segment) {
        this.segment = segment;
    }

    private static MethodHandle libc(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    /**
     * A zeroed block of at least one byte.
     *
     * @throws OutOfMemoryError if the operating system has no address space left for it
     */
    public static NativeMemory allocate(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a block of " + bytes + " bytes");
        }
        long size = Math.max(1, bytes);
        long address;
        try {
            address = (long) MMAP.invokeExact(0L, size, READ_WRITE, PRIVATE_ANONYMOUS_NORESERVE, -1, 0L);
        } catch (Throwable t) {
            throw new IllegalStateException("mmap", t);
        }
        if (address == -1) {
            throw new OutOfMemoryError("no native memory for " + size + " bytes");
        }
        LIVE.addAndGet(size);
        return new NativeMemory(MemorySegment.ofAddress(address).reinterpret(size, Arena.global(), null));
    }

    /** Bytes of all blocks not yet closed: zero after the last close of everything. */
    public static long liveBytes() {
        return LIVE.get();
    }

    /**
     * The block.
     *
     * @throws IllegalStateException after {@link #close}
     */
    public MemorySegment segment() {
        if (closed.get()) {
            throw new IllegalStateException("this native memory is closed");
        }
        return segment;
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            int status = (int) MUNMAP.invokeExact(segment.address(), segment.byteSize());
            if (status != 0) {
                throw new IllegalStateException("munmap failed");
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new IllegalStateException("munmap", t);
        }
        LIVE.addAndGet(-segment.byteSize());
    }
}
