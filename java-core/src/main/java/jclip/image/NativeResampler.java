package jclip.image;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jclip.backend.Call;
import jclip.backend.Context;
import jclip.backend.Isa;
import jclip.backend.Library;

/**
 * The operator {@code resample} of the native library: 8-bit resampling, crop and normalisation in one call, with the
 * bits of {@link Resampler}. One thread a picture; pictures are the parallel axis. Safe for many threads.
 */
final class NativeResampler {
    private static final long ALIGNMENT = 64;
    /** The operator reads up to this many bytes beyond the last row. */
    static final long SLACK = 16;

    /** Output rows of a band: windows overlap by three rows' worth of source, a tenth of this. */
    private static final int BAND = 32;

    private final Library library;
    private final Isa isa;

    NativeResampler(Library library, Isa isa) {
        this.library = library;
        this.isa = isa;
    }

    /** What survives of a resized plane, rows x columns x channels bytes. */
    byte[] resize8(MemorySegment in, int channels, Frame rows, Frame columns, Interpolation filter, Scratch scratch) {
        byte[] out = new byte[Math.multiplyExact(rows.count(), columns.count() * channels)];
        int row = columns.count() * channels;
        for (int done = 0; done < rows.count(); done += bandRows(in, rows)) {
            Frame band = band(rows, done, bandRows(in, rows));
            int size = band.count() * row;
            try (Job job = new Job(in, channels, band, columns, filter, size, scratch)) {
                job.call.set("y", job.result);
                job.run();
                MemorySegment.copy(job.result, ValueLayout.JAVA_BYTE, 0, out, done * row, size);
            }
        }
        return out;
    }

    /**
     * The same, normalised into a tensor; 1 or 3 channels.
     *
     * @param tensor native, from the first value of the first surviving row on
     * @param row values from row to row
     * @param plane values from channel to channel
     */
    void normalised(
            MemorySegment in,
            int channels,
            Frame rows,
            Frame columns,
            Interpolation filter,
            float[] table,
            MemorySegment tensor,
            long row,
            long plane,
            Scratch scratch) {
        for (int done = 0; done < rows.count(); done += bandRows(in, rows)) {
            Frame band = band(rows, done, bandRows(in, rows));
            try (Job job = new Job(in, channels, band, columns, filter, 4L * table.length, scratch)) {
                MemorySegment.copy(table, 0, job.result, ValueLayout.JAVA_FLOAT, 0, table.length);
                job.call.set("table", job.result).set("tensor", tensor.asSlice(done * row * Float.BYTES));
                job.call.set("tensor_row", row).set("tensor_channel", plane);
                job.run();
            }
        }
    }

    /** Pixels on the heap are copied band by band: fresh pages for all of them would cost more than resampling. */
    private static int bandRows(MemorySegment in, Frame rows) {
        return in.isNative() ? rows.count() : BAND;
    }

    private static Frame band(Frame rows, int done, int count) {
        return new Frame(
                rows.in(), rows.resized(), rows.from() + done, Math.min(count, rows.count() - done), 0, rows.target());
    }

    /** One call with its memory: source rows unless they are native already, windows, result or table. */
    private final class Job implements AutoCloseable {
        private final Context context = new Context(library, isa, 1);
        private final Call call = new Call(context, "resample");
        private final Scratch scratch;
        private final MemorySegment memory;
        private final MemorySegment result;
        private long used;

        Job(
                MemorySegment in,
                int channels,
                Frame rows,
                Frame columns,
                Interpolation filter,
                long resultBytes,
                Scratch scratch) {
            this.scratch = scratch;
            Windows down = Windows.of(rows, filter);
            Windows across = Windows.of(columns, filter);
            long stride = (long) columns.in() * channels;
            long size = (down.to() - down.from()) * stride;
            long windowBytes =
                    4L * (down.fixed().length + across.fixed().length + 2L * (rows.count() + columns.count()));
            memory = scratch.take(Scratch.Use.JOB, windowBytes + resultBytes + 8 * ALIGNMENT);
            result = take(resultBytes);
            MemorySegment x = in.asSlice(down.from() * stride, size);
            if (!in.isNative()) {
                MemorySegment copy = scratch.take(Scratch.Use.PIXELS, size + SLACK);
                x = copy.copyFrom(x);
            }
            call.set("x", x)
                    .set("x_rows", down.to() - down.from())
                    .set("x_columns", columns.in())
                    .set("x_row", stride);
            call.set("rows", rows.count()).set("columns", columns.count()).set("channels", channels);
            windows("row", down, down.from());
            windows("column", across, 0);
        }

        private void windows(String axis, Windows windows, int base) {
            int[] first = windows.first().clone();
            for (int i = 0; i < first.length; i++) {
                first[i] -= base;
            }
            call.set(axis + "_first", ints(first)).set(axis + "_size", ints(windows.size()));
            call.set(axis + "_weights", ints(windows.fixed())).set(axis + "_taps", windows.taps());
        }

        private MemorySegment ints(int[] values) {
            MemorySegment segment = take(4L * values.length);
            MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_INT, 0, values.length);
            return segment;
        }

        private MemorySegment take(long bytes) {
            MemorySegment taken = memory.asSlice(used, bytes);
            used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            return taken;
        }

        void run() {
            long bytes = call.workspaceBytes();
            call.set("workspace", scratch.take(Scratch.Use.WORKSPACE, bytes)).set("workspace_bytes", bytes);
            call.run();
        }

        @Override
        public void close() {
            call.close();
            context.close();
        }
    }
}
