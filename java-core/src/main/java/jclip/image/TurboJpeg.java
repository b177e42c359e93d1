package jclip.image;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * libjpeg-turbo through its TurboJPEG interface: slow integer DCT and smooth chroma upsampling (flags 0), the same
 * pixels as Pillow's. Found at first use under the name that Debian's libturbojpeg0 installs; absent is no error.
 */
final class TurboJpeg {
    static final String LIBRARY = "libturbojpeg.so.0";

    private static final int PIXEL_RGB = 0;
    private static final int PIXEL_GREY = 6;
    private static final int PIXEL_CMYK = 11;
    private static final int FATAL = 1;

    private final MethodHandle open;
    private final MethodHandle close;
    private final MethodHandle header;
    private final MethodHandle decompress;
    private final MethodHandle errorText;
    private final MethodHandle errorCode;

    private TurboJpeg(SymbolLookup library) {
        ValueLayout.OfInt i32 = ValueLayout.JAVA_INT;
        ValueLayout.OfLong size = ValueLayout.JAVA_LONG;
        var pointer = ValueLayout.ADDRESS;
        open = SharedLibrary.function(library, "tjInitDecompress", FunctionDescriptor.of(pointer));
        close = SharedLibrary.function(library, "tjDestroy", FunctionDescriptor.of(i32, pointer));
        header = SharedLibrary.function(
                library,
                "tjDecompressHeader3",
                FunctionDescriptor.of(i32, pointer, pointer, size, pointer, pointer, pointer, pointer));
        decompress = SharedLibrary.function(
                library,
                "tjDecompress2",
                FunctionDescriptor.of(i32, pointer, pointer, size, pointer, i32, i32, i32, i32, i32));
        errorText = SharedLibrary.function(
                library, "tjGetErrorStr2", FunctionDescriptor.of(SharedLibrary.pointerTo(200), pointer));
        errorCode = SharedLibrary.function(library, "tjGetErrorCode", FunctionDescriptor.of(i32, pointer));
    }

    /** The library, or why it is not there. */
    static SharedLibrary<TurboJpeg> shared() {
        return Loaded.LIBRARY;
    }

    /**
     * Pixels in the file's mode (L, RGB, or CMYK inverted as Pillow does). Damage inside the compressed data is not an
     * error, as in Pillow.
     *
     * @return memory of the scratch
     */
    MemorySegment decode(Bytes file, JpegHeader found, Scratch scratch) {
        long size = (long) found.width() * found.height() * found.components();
        if (size > Integer.MAX_VALUE - 8) {
            throw file.error("dimensions too large: " + found.width() + "x" + found.height() + " pixels need " + size
                    + " bytes");
        }
        MemorySegment in;
        MemorySegment out;
        try {
            in = scratch.take(Scratch.Use.FILE, file.length()).asSlice(0, file.length());
            out = scratch.take(Scratch.Use.PIXELS, size + NativeResampler.SLACK).asSlice(0, size);
        } catch (OutOfMemoryError e) {
            throw file.error(
                    "dimensions too large for the memory: " + found.width() + "x" + found.height() + " pixels", e);
        }
        MemorySegment.copy(file.data(), 0, in, ValueLayout.JAVA_BYTE, 0, file.length());
        try {
            decode(file, found, in, out);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        if (found.components() == 4) {
            invert(out);
        }
        return out;
    }

    private void decode(Bytes file, JpegHeader found, MemorySegment in, MemorySegment out) throws Throwable {
        int format = found.components() == 1 ? PIXEL_GREY : found.components() == 3 ? PIXEL_RGB : PIXEL_CMYK;
        MemorySegment decoder = (MemorySegment) open.invokeExact();
        if (decoder.address() == 0) {
            throw file.error("TurboJPEG cannot be started: " + message(decoder));
        }
        try (Arena arena = Arena.ofConfined()) {
            checkHeader(file, found, decoder, in, arena.allocate(ValueLayout.JAVA_INT, 4));
            int status = (int) decompress.invokeExact(
                    decoder, in, in.byteSize(), out, found.width(), 0, found.height(), format, 0);
            if (status != 0 && (int) errorCode.invokeExact(decoder) == FATAL) {
                throw file.error("corrupt JPEG: " + message(decoder));
            }
        } finally {
            int ignored = (int) close.invokeExact(decoder);
        }
    }

    private static void invert(MemorySegment bytes) {
        for (long i = 0; i < bytes.byteSize(); i++) {
            bytes.set(ValueLayout.JAVA_BYTE, i, (byte) ~bytes.get(ValueLayout.JAVA_BYTE, i));
        }
    }

    /** The library must have understood the header as we did, for the buffers have our sizes. */
    private void checkHeader(Bytes file, JpegHeader found, MemorySegment decoder, MemorySegment in, MemorySegment four)
            throws Throwable {
        int status = (int) header.invokeExact(
                decoder, in, in.byteSize(), four, four.asSlice(4), four.asSlice(8), four.asSlice(12));
        int width = four.get(ValueLayout.JAVA_INT, 0);
        int height = four.get(ValueLayout.JAVA_INT, 4);
        // A status alone may only mean a chroma subsampling that TurboJPEG has no name for; decoding does not need one.
        if (status != 0 && width == 0) {
            throw file.error("corrupt JPEG: " + message(decoder));
        }
        if (width != found.width() || height != found.height()) {
            throw file.error("corrupt JPEG: its header says " + found.width() + "x" + found.height()
                    + ", the decoder found " + width + "x" + height);
        }
    }

    private String message(MemorySegment decoder) throws Throwable {
        return ((MemorySegment) errorText.invokeExact(decoder)).getString(0);
    }

    private static final class Loaded {
        static final SharedLibrary<TurboJpeg> LIBRARY =
                SharedLibrary.load(TurboJpeg.LIBRARY, "libturbojpeg0", TurboJpeg::new);

        private Loaded() {}
    }
}
