package jclip.image;

import java.io.IOException;
import javax.imageio.stream.ImageInputStreamImpl;

/**
 * A file in memory for an ImageIO plug-in. Some plug-ins take the end of file for endless zeros and decode these for
 * minutes; here a reader that keeps asking beyond the end is stopped.
 */
final class ByteArrayStream extends ImageInputStreamImpl {
    private static final int PATIENCE = 256;

    private final byte[] data;
    private int missed;

    ByteArrayStream(byte[] data) {
        this.data = data;
    }

    @Override
    public int read() throws IOException {
        bitOffset = 0;
        if (streamPos >= data.length) {
            return pastEnd();
        }
        return data[(int) streamPos++] & 255;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        bitOffset = 0;
        if (streamPos >= data.length) {
            return length == 0 ? 0 : pastEnd();
        }
        int count = (int) Math.min(length, data.length - streamPos);
        System.arraycopy(data, (int) streamPos, into, offset, count);
        streamPos += count;
        return count;
    }

    private int pastEnd() throws IOException {
        if (++missed > PATIENCE) {
            throw new IOException("truncated: the decoder needs more than the " + data.length + " bytes of the file");
        }
        return -1;
    }

    @Override
    public long length() {
        return data.length;
    }
}
