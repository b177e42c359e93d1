package jclip.image;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Google's libwebp, the decoder inside Pillow; lossy files have the same pixels only with it. */
final class LibWebp {
    static final String LIBRARY = "libwebp.so.7";

    private final MethodHandle size;
    private final MethodHandle rgb;
    private final MethodHandle rgba;

    private LibWebp(SymbolLookup library) {
        var pointer = ValueLayout.ADDRESS;
        var length = ValueLayout.JAVA_LONG;
        size = SharedLibrary.function(
                library, "WebPGetInfo", FunctionDescriptor.of(ValueLayout.JAVA_INT, pointer, length, pointer, pointer));
        var into = FunctionDescriptor.of(pointer, pointer, length, pointer, length, ValueLayout.JAVA_INT);
        rgb = SharedLibrary.function(library, "WebPDecodeRGBInto", into);
        rgba = SharedLibrary.function(library, "WebPDecodeRGBAInto", into);
    }

    /** The library, or why it is not there. */
    static SharedLibrary<LibWebp> shared() {
        return Loaded.LIBRARY;
    }

    /** The first frame on its canvas; what the frame leaves free is transparent black. */
    Picture decode(Bytes file, WebpHeader header, Scratch scratch) {
        PixelMode mode = header.alpha() ? PixelMode.RGBA : PixelMode.RGB;
        int bytes = mode.bytesPerPixel();
        byte[] still = header.still(file);
        byte[] canvas = file.allocate(header.width(), header.height(), bytes);
        byte[] frame = header.fillsCanvas() ? canvas : file.allocate(header.frameWidth(), header.frameHeight(), bytes);
        try {
            MemorySegment block = scratch.take(Scratch.Use.FILE, still.length + 2L * Integer.BYTES);
            MemorySegment in = block.asSlice(0, still.length);
            MemorySegment out = scratch.take(Scratch.Use.PIXELS, frame.length).asSlice(0, frame.length);
            in.copyFrom(MemorySegment.ofArray(still));
            checkSize(file, header, in, block.asSlice(still.length, 2 * Integer.BYTES));
            decode(file, header, mode, in, out);
            MemorySegment.copy(out, ValueLayout.JAVA_BYTE, 0, frame, 0, frame.length);
        } catch (OutOfMemoryError e) {
            throw file.error(
                    "dimensions too large for the memory: " + header.width() + "x" + header.height() + " pixels", e);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        for (int y = 0; frame != canvas && y < header.frameHeight(); y++) {
            System.arraycopy(
                    frame,
                    y * header.frameWidth() * bytes,
                    canvas,
                    ((header.frameY() + y) * header.width() + header.frameX()) * bytes,
                    header.frameWidth() * bytes);
        }
        return new Picture(file.source(), header.width(), header.height(), mode, canvas, null);
    }

    /** The library must have understood the header as we did, for the buffers have our sizes. */
    private void checkSize(Bytes file, WebpHeader header, MemorySegment in, MemorySegment sides) throws Throwable {
        int status = (int) size.invokeExact(in, in.byteSize(), sides, sides.asSlice(Integer.BYTES));
        int width = sides.get(ValueLayout.JAVA_INT_UNALIGNED, 0);
        int height = sides.get(ValueLayout.JAVA_INT_UNALIGNED, Integer.BYTES);
        if (status == 0) {
            throw file.error("corrupt WebP: the decoder finds no picture");
        }
        if (width != header.frameWidth() || height != header.frameHeight()) {
            throw file.error("corrupt WebP: its header says " + header.frameWidth() + "x" + header.frameHeight()
                    + ", the decoder found " + width + "x" + height);
        }
    }

    private void decode(Bytes file, WebpHeader header, PixelMode mode, MemorySegment in, MemorySegment out)
            throws Throwable {
        MethodHandle decoder = mode == PixelMode.RGBA ? rgba : rgb;
        int stride = header.frameWidth() * mode.bytesPerPixel();
        MemorySegment found = (MemorySegment) decoder.invokeExact(in, in.byteSize(), out, out.byteSize(), stride);
        if (found.address() == 0) {
            throw file.error("corrupt or truncated WebP: the compressed data cannot be decoded");
        }
    }

    private static final class Loaded {
        static final SharedLibrary<LibWebp> LIBRARY = SharedLibrary.load(LibWebp.LIBRARY, "libwebp7", LibWebp::new);

        private Loaded() {}
    }
}
