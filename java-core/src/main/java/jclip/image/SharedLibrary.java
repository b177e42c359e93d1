package jclip.image;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A decoder's shared library that may be installed or not, looked for once under the name that Debian gives it.
 *
 * @param codec its functions, null if it is not there
 * @param absence why it is not there; empty if it is
 */
@SuppressWarnings("restricted")
record SharedLibrary<T>(@Nullable T codec, String absence) {

    /** Loads the library and binds its functions; a missing library or function is no error. */
    static <T> SharedLibrary<T> load(String name, String debianPackage, Function<SymbolLookup, T> binding) {
        try {
            return new SharedLibrary<>(binding.apply(SymbolLookup.libraryLookup(name, Arena.global())), "");
        } catch (RuntimeException | LinkageError e) {
            return new SharedLibrary<>(
                    null,
                    name + " cannot be used (" + e.getMessage() + "); on Debian: apt-get install " + debianPackage);
        }
    }

    static MethodHandle function(SymbolLookup library, String name, FunctionDescriptor descriptor) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor);
    }

    /** A returned pointer to that many readable bytes. */
    static AddressLayout pointerTo(long bytes) {
        return ValueLayout.ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(bytes, ValueLayout.JAVA_BYTE));
    }
}
