package jclip.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * An event file that TensorBoard shows: scalars, pictures, texts over optimiser steps. Records are framed as TFRecord
 * (length, masked CRC-32C of the length, bytes, masked CRC-32C of the bytes) and hold {@code Event} messages of
 * tensorboard's {@code event.proto} and {@code summary.proto}. Every start of a run makes a file of its own, whose first
 * step tells TensorBoard to forget what an earlier file says from that step on. Not for several threads.
 */
public final class TensorBoardEvents implements AutoCloseable {
    private static final int WALL_TIME = 1;
    private static final int STEP = 2;
    private static final int FILE_VERSION = 3;
    private static final int SUMMARY = 5;
    private static final int SESSION_LOG = 7;
    private static final int SESSION_START = 1;
    private static final int VALUE = 1;
    private static final int TAG = 1;
    private static final int SIMPLE_VALUE = 2;
    private static final int IMAGE = 4;
    private static final int TENSOR = 8;
    private static final int METADATA = 9;
    private static final int TENSOR_STRING = 7;
    private static final int RGB = 3;
    private static final int CRC_MASK = 0xa282ead8;

    private final Path file;
    private final FileChannel channel;

    /**
     * Begins a file in a folder, which is made if missing.
     *
     * @param firstStep the step of the first event to come; for a resumed run the step after its snapshot's
     * @throws UncheckedIOException if it cannot be written
     */
    public TensorBoardEvents(Path folder, long firstStep) {
        try {
            Files.createDirectories(folder);
            this.file = create(folder);
            this.channel = FileChannel.open(file, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new UncheckedIOException(folder + ": no event file can be made", e);
        }
        append(new ProtoBytes().real64(WALL_TIME, now()).text(FILE_VERSION, "brain.Event:2"));
        append(new ProtoBytes()
                .real64(WALL_TIME, now())
                .integer(STEP, firstStep)
                .message(SESSION_LOG, new ProtoBytes().integer(1, SESSION_START)));
    }

    /** TensorBoard reads a folder's files in the order of their names, so these begin with the time. */
    private static Path create(Path folder) throws IOException {
        long seconds = System.currentTimeMillis() / 1000;
        for (int number = 0; ; number++) {
            Path path =
                    folder.resolve(String.format(Locale.ROOT, "events.out.tfevents.%010d.jclip.%d", seconds, number));
            try {
                return Files.createFile(path);
            } catch (FileAlreadyExistsException e) {
                if (number == Integer.MAX_VALUE) {
                    throw e;
                }
            }
        }
    }

    /** The file. */
    public Path file() {
        return file;
    }

    /** Writes numbers by name, such as {@code train/loss}; those that are not finite are left out. */
    public void scalars(long step, Map<String, ? extends Number> values) {
        ProtoBytes summary = new ProtoBytes();
        values.forEach((tag, value) -> {
            if (Double.isFinite(value.doubleValue())) {
                summary.message(VALUE, new ProtoBytes().text(TAG, tag).real32(SIMPLE_VALUE, value.floatValue()));
            }
        });
        event(step, summary);
    }

    /** Writes a picture that is encoded already, as PNG or JPEG. */
    public void picture(long step, String tag, int width, int height, byte[] encoded) {
        ProtoBytes image = new ProtoBytes()
                .integer(1, height)
                .integer(2, width)
                .integer(3, RGB)
                .bytes(4, encoded);
        event(
                step,
                new ProtoBytes().message(VALUE, new ProtoBytes().text(TAG, tag).message(IMAGE, image)));
    }

    /** Writes a text, which TensorBoard reads as Markdown. */
    public void text(long step, String tag, String markdown) {
        ProtoBytes tensor = new ProtoBytes()
                .integer(1, TENSOR_STRING)
                .message(2, new ProtoBytes())
                .text(8, markdown);
        ProtoBytes metadata = new ProtoBytes().message(1, new ProtoBytes().text(1, "text"));
        event(
                step,
                new ProtoBytes()
                        .message(
                                VALUE,
                                new ProtoBytes()
                                        .text(TAG, tag)
                                        .message(TENSOR, tensor)
                                        .message(METADATA, metadata)));
    }

    private void event(long step, ProtoBytes summary) {
        append(new ProtoBytes().real64(WALL_TIME, now()).integer(STEP, step).message(SUMMARY, summary));
    }

    private static double now() {
        return System.currentTimeMillis() / 1e3;
    }

    private void append(ProtoBytes event) {
        byte[] data = event.toBytes();
        ByteBuffer record = ByteBuffer.allocate(16 + data.length).order(ByteOrder.LITTLE_ENDIAN);
        record.putLong(data.length);
        record.putInt(maskedSum(record.array(), 0, 8));
        record.put(data);
        record.putInt(maskedSum(data, 0, data.length));
        record.flip();
        try {
            while (record.hasRemaining()) {
                channel.write(record);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be written", e);
        }
    }

    static int maskedSum(byte[] bytes, int offset, int length) {
        CRC32C sum = new CRC32C();
        sum.update(bytes, offset, length);
        return Integer.rotateRight((int) sum.getValue(), 15) + CRC_MASK;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be closed", e);
        }
    }
}
