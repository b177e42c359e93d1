package jclip.data;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.awt.image.BufferedImage;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import jclip.image.ImageException;
import jclip.image.Picture;
import jclip.image.PictureReader;
import jclip.image.PictureSource;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A set written as a folder of WebDataset shards: {@code NAME-000000.tar} and so on, plain USTAR, with {@code KEY.jpg},
 * {@code KEY.txt} (a caption a line) and {@code KEY.cls} side by side; {@code classes.txt} and {@code templates.txt}
 * where the set is one of labels and prompts; {@code meta.json} with counts and SHA-256. The same set gives the same
 * bytes. The folder appears whole or not at all.
 *
 * @param folder where they are
 * @param shards their number
 * @param samples in all of them
 * @param bytes of all of them
 * @param drops samples that were left out because their pictures cannot be decoded or read, by reason
 */
public record PackedShards(Path folder, int shards, int samples, long bytes, Map<Defect, Long> drops) {
    private static final int MODE = 0100644;

    /** A finished shard. */
    private record Shard(String file, int samples, long bytes, String sha256) {}

    /**
     * Writes a set. Pictures stay as they are encoded; generated ones become PNG. Each is decoded once, and left out
     * where that fails.
     *
     * @param folder must not exist or be empty; its name is that of the shards
     * @param mostSamples of a shard, at least 1
     * @param mostBytes of a shard's members, which only a single larger sample exceeds
     * @param progress told how many samples are done
     * @throws DataException if the folder is in use, cannot be written, or no sample is sound
     */
    public static PackedShards write(Dataset set, Path folder, int mostSamples, long mostBytes, IntConsumer progress) {
        if (mostSamples < 1 || mostBytes < 1) {
            throw new IllegalArgumentException(
                    "shards of " + mostSamples + " samples and " + mostBytes + " bytes, wanted at least 1 of both");
        }
        Path target = folder.toAbsolutePath().normalize();
        Path parent = target.getParent();
        try {
            if (Files.exists(target) && !isEmptyFolder(target)) {
                throw new DataException(folder + ": exists already and is not empty; name another folder");
            }
            if (parent == null || !Files.isDirectory(parent)) {
                throw new DataException(folder + ": there is no folder " + parent + " to put it into");
            }
            Path part = Files.createTempDirectory(parent, "." + target.getFileName() + "-");
            try {
                PackedShards packed =
                        new Packing(set, part, Shards.fileName(target), mostSamples, mostBytes).write(folder, progress);
                Files.setPosixFilePermissions(part, PosixFilePermissions.fromString("rwxr-xr-x"));
                Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
                return packed;
            } catch (IOException | RuntimeException | Error e) {
                remove(part);
                throw e;
            }
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be written: " + e, e);
        }
    }

    private static boolean isEmptyFolder(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return false;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
            return !files.iterator().hasNext();
        }
    }

    private static void remove(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        }
        Files.deleteIfExists(folder);
    }

    /** Shards being written. */
    private static final class Packing {
        private final Dataset set;
        private final @Nullable Prompts prompts;
        private final Path folder;
        private final String name;
        private final int mostSamples;
        private final long mostBytes;
        private final List<Shard> shards = new ArrayList<>();
        private final Map<Defect, Long> drops = new EnumMap<>(Defect.class);
        private @Nullable ShardOutput output;
        private int written;

        Packing(Dataset set, Path folder, String name, int mostSamples, long mostBytes) {
            // Prompts go into files of their own, once, and not beside each picture.
            this.set = set instanceof Prompted prompted ? prompted.set() : set;
            prompts = set instanceof Prompted prompted ? prompted.prompts() : null;
            this.folder = folder;
            this.name = name;
            this.mostSamples = mostSamples;
            this.mostBytes = mostBytes;
        }

        PackedShards write(Path shown, IntConsumer progress) throws IOException {
            try {
                for (int i = 0; i < set.size(); i++) {
                    add(i);
                    progress.accept(i + 1);
                }
                finish();
            } finally {
                ShardOutput open = output;
                if (open != null) {
                    open.abandon();
                }
            }
            if (written == 0) {
                throw new DataException(shown + ": is not written, because no sample can be used: " + drops);
            }
            if (prompts != null) {
                save("classes.txt", lines(prompts.classes()));
                save("templates.txt", lines(prompts.templates()));
            }
            save("meta.json", meta());
            long bytes = shards.stream().mapToLong(Shard::bytes).sum();
            return new PackedShards(shown, shards.size(), written, bytes, Collections.unmodifiableMap(drops));
        }

        private void add(int index) throws IOException {
            byte[] picture;
            try {
                picture = encoded(set.picture(index));
            } catch (ImageException e) {
                drops.merge(BatchFiller.defect(e), 1L, Long::sum);
                return;
            } catch (DataException e) {
                drops.merge(Defect.UNREADABLE, 1L, Long::sum);
                return;
            }
            String captions = IntStream.range(0, set.captionCount(index))
                    .mapToObj(i -> set.caption(index, i).strip().replaceAll("\\R", " "))
                    .collect(Collectors.joining("\n"));
            byte[] text = captions.getBytes(StandardCharsets.UTF_8);
            ShardOutput open = room(picture.length + text.length);
            String key = String.format(Locale.ROOT, "%09d", written++);
            open.member(key + "." + PictureFormat.of(picture).extension(), picture);
            if (text.length > 0) {
                open.member(key + ".txt", text);
            }
            if (set.label(index) >= 0) {
                open.member(key + ".cls", Integer.toString(set.label(index)).getBytes(StandardCharsets.US_ASCII));
            }
            open.samples++;
        }

        /** The shard at hand, or a new one where so many bytes would be too many for it. */
        private ShardOutput room(long bytes) throws IOException {
            ShardOutput open = output;
            if (open != null && (open.samples >= mostSamples || open.members + bytes > mostBytes)) {
                finish();
                open = null;
            }
            if (open == null) {
                String file = String.format(Locale.ROOT, "%s-%06d.tar", name, shards.size());
                open = new ShardOutput(folder.resolve(file));
                output = open;
            }
            return open;
        }

        private void finish() throws IOException {
            ShardOutput open = output;
            output = null;
            if (open != null) {
                shards.add(open.finish());
            }
        }

        private static byte[] lines(List<String> lines) {
            return (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
        }

        private byte[] meta() throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (JsonGenerator json = new JsonFactory().createGenerator(bytes, JsonEncoding.UTF8)) {
                json.useDefaultPrettyPrinter();
                json.writeStartObject();
                json.writeStringField("name", name);
                json.writeNumberField("samples", written);
                json.writeArrayFieldStart("shards");
                for (Shard shard : shards) {
                    json.writeStartObject();
                    json.writeStringField("file", shard.file);
                    json.writeNumberField("samples", shard.samples);
                    json.writeNumberField("bytes", shard.bytes);
                    json.writeStringField("sha256", shard.sha256);
                    json.writeEndObject();
                }
                json.writeEndArray();
                json.writeEndObject();
            }
            return bytes.toByteArray();
        }

        private void save(String file, byte[] bytes) throws IOException {
            try (FileChannel channel = FileChannel.open(
                            folder.resolve(file), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                    OutputStream out = Channels.newOutputStream(channel)) {
                out.write(bytes);
                channel.force(true);
            }
        }
    }

    /** The bytes of a sound picture. */
    private static byte[] encoded(PictureSource source) {
        return switch (source) {
            case PictureSource.Decoded decoded -> png(decoded.picture());
            case PictureSource.Encoded encoded -> {
                PictureReader.standard().read(encoded.bytes(), encoded.name());
                yield encoded.bytes();
            }
            case PictureSource.File file -> {
                byte[] bytes = read(file.path());
                PictureReader.standard().read(bytes, file.name());
                yield bytes;
            }
        };
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException | OutOfMemoryError e) {
            throw new DataException(file + ": cannot be read: " + e, e);
        }
    }

    private static byte[] png(Picture picture) {
        byte[] rgb = picture.toRgb();
        BufferedImage image = new BufferedImage(picture.width(), picture.height(), BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < rgb.length / 3; i++) {
            int value = (rgb[3 * i] & 255) << 16 | (rgb[3 * i + 1] & 255) << 8 | rgb[3 * i + 2] & 255;
            image.setRGB(i % picture.width(), i / picture.width(), value);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** One tar being written; nothing of the machine or the moment goes into it. */
    private static final class ShardOutput {
        private final Path file;
        private final FileChannel channel;
        private final MessageDigest digest;
        private final TarArchiveOutputStream tar;
        private long members;
        private int samples;

        ShardOutput(Path file) throws IOException {
            this.file = file;
            try {
                digest = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e);
            }
            channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            OutputStream out = new DigestOutputStream(
                    new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16), digest);
            tar = new TarArchiveOutputStream(out, 10240, "UTF-8");
        }

        void member(String name, byte[] bytes) throws IOException {
            TarArchiveEntry entry = new TarArchiveEntry(name);
            entry.setSize(bytes.length);
            entry.setMode(MODE);
            entry.setModTime(0);
            entry.setIds(0, 0);
            entry.setNames("", "");
            tar.putArchiveEntry(entry);
            tar.write(bytes);
            tar.closeArchiveEntry();
            members += bytes.length;
        }

        Shard finish() throws IOException {
            tar.finish();
            tar.flush();
            channel.force(true);
            long size = channel.size();
            tar.close();
            return new Shard(
                    Shards.fileName(file), samples, size, HexFormat.of().formatHex(digest.digest()));
        }

        void abandon() throws IOException {
            channel.close();
        }
    }
}
