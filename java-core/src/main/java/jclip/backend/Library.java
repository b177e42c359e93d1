package jclip.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A loaded library behind {@code jclip.h}, and the only class that calls into it. One for a process, loaded at first use and never
 * unloaded. Safe for many threads.
 */
@SuppressWarnings("restricted")
public final class Library {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle VERSION = LINKER.downcallHandle(FunctionDescriptor.of(ValueLayout.ADDRESS));
    private static final MethodHandle NUMBER = LINKER.downcallHandle(FunctionDescriptor.of(ValueLayout.JAVA_LONG));
    private static final MethodHandle THREADS =
            LINKER.downcallHandle(FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle WORKSPACE = LINKER.downcallHandle(
            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    private static final MethodHandle BF16 =
            LINKER.downcallHandle(FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
    private static final MethodHandle PACKED_GEMM = LINKER.downcallHandle(FunctionDescriptor.of(
            ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle PACKED_CONVOLUTION = LINKER.downcallHandle(FunctionDescriptor.of(
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG));
    private static final MethodHandle RUN = LINKER.downcallHandle(FunctionDescriptor.of(
            ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS));

    private final Path path;
    private final SymbolLookup symbols;
    private final Header header;
    private final String version;
    private final Isa best;
    private final Isa isa;
    private final MemorySegment run;
    private final MemorySegment threads;

    private Library(Path path, Header header, @Nullable String forcedIsa) {
        this.path = path;
        this.header = header;
        this.symbols = SymbolLookup.libraryLookup(path, Arena.global());
        this.run = symbol("jc_run");
        this.threads = symbol("jc_threads");
        try {
            MemorySegment text = (MemorySegment) VERSION.invokeExact(symbol("jc_version"));
            this.version = text.reinterpret(256).getString(0);
            this.best = Isa.ofCode((long) NUMBER.invokeExact(symbol("jc_isa")));
        } catch (Throwable t) {
            throw new LibraryException(path + " does not answer", t);
        }
        if (!version.endsWith(" " + header.hash())) {
            throw new LibraryException(
                    path + " was built from another jclip.h: it says '" + version + "', this jar needs hash "
                            + header.hash() + "; rebuild it, or remove it so that the one in the jar is used");
        }
        this.isa = forcedIsa == null ? best : Isa.of(forcedIsa);
        if (isa.compareTo(best) > 0) {
            throw new LibraryException("JCLIP_ISA=" + isa + ", but this machine goes up to " + best);
        }
        threads(Runtime.getRuntime().availableProcessors());
    }

    private static final class Holder {
        static final Library CPU = LibraryFinder.find(Header.load(), System.getenv());

        private Holder() {}
    }

    /**
     * The CPU library of this process.
     *
     * @throws LibraryException if it cannot be loaded; the message lists every place tried
     */
    public static Library cpu() {
        return Holder.CPU;
    }

    static Library open(Path path, Header header, @Nullable String forcedIsa) {
        return new Library(path, header, forcedIsa);
    }

    private MemorySegment symbol(String name) {
        return symbols.find(name).orElseThrow(() -> new LibraryException(path + " lacks " + name));
    }

    /** Where the library was loaded from. */
    public Path path() {
        return path;
    }

    /** Its own words: version and header hash. */
    public String version() {
        return version;
    }

    /** The contract it obeys. */
    public Header header() {
        return header;
    }

    /** The best instruction set of this machine. */
    public Isa bestIsa() {
        return best;
    }

    /** The instruction set in use: the best, or the one that {@code JCLIP_ISA} forces. */
    public Isa isa() {
        return isa;
    }

    /** Size of the process-wide thread pool; at first the number of processors. */
    public int threads() {
        return threads(0);
    }

    /**
     * Sets the size of the process-wide thread pool: no more threads of all callers together compute at once.
     *
     * @return the new size; 0 only asks
     */
    public int threads(int n) {
        if (n < 0) {
            throw new IllegalArgumentException("threads: " + n + "; it must be at least 1");
        }
        try {
            return (int) (long) THREADS.invokeExact(threads, (long) n);
        } catch (Throwable t) {
            throw new LibraryException("jc_threads", t);
        }
    }

    /** Address of an operator's function, for a call. */
    public MemorySegment operator(String name) {
        return symbol("jc_" + name);
    }

    /** Scratch bytes that the operator wants for these arguments. */
    public long workspace(String operator, Context context, MemorySegment args) {
        try {
            return (long) WORKSPACE.invokeExact(symbol("jc_" + operator + "_workspace"), context.segment(), args);
        } catch (Throwable t) {
            throw new LibraryException("jc_" + operator + "_workspace", t);
        }
    }

    /** Whether the context's instruction set has products of bf16. */
    boolean multipliesBf16(MemorySegment context) {
        try {
            return (long) BF16.invokeExact(symbol("jc_bf16"), context) == 1;
        } catch (Throwable t) {
            throw new LibraryException("jc_bf16", t);
        }
    }

    /** Bytes of a packed weight matrix [n, k] under this context's instruction set. */
    public long packedGemmBytes(Context context, long n, long k) {
        try {
            return (long) PACKED_GEMM.invokeExact(symbol("jc_gemm_packed_bytes"), context.segment(), n, k);
        } catch (Throwable t) {
            throw new LibraryException("jc_gemm_packed_bytes", t);
        }
    }

    /** Bytes of a packed convolution weight [outChannels, channels, kernel, kernel]. */
    public long packedConvolutionBytes(Context context, long outChannels, long channels, long kernel) {
        try {
            return (long) PACKED_CONVOLUTION.invokeExact(
                    symbol("jc_conv2d_packed_bytes"), context.segment(), outChannels, channels, kernel);
        } catch (Throwable t) {
            throw new LibraryException("jc_conv2d_packed_bytes", t);
        }
    }

    /** Runs calls; the status. No allocation. */
    int run(MemorySegment context, MemorySegment calls, long n, MemorySegment nanos) {
        try {
            return (int) RUN.invokeExact(run, context, calls, n, nanos);
        } catch (Throwable t) {
            throw new LibraryException("jc_run", t);
        }
    }
}
