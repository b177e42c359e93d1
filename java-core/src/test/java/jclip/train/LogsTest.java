package jclip.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** JSON lines and TensorBoard events. */
class LogsTest {
    @TempDir
    private Path folder;

    @Test
    void everyLineIsAnObjectAndNoNumberIsNaN() throws IOException {
        Path file = folder.resolve("log.jsonl");
        try (JsonLog log = new JsonLog(file)) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("loss", Double.NaN);
            fields.put("norm", Float.POSITIVE_INFINITY);
            fields.put("lr", 0.1);
            fields.put("dropped", Map.of("no picture", 3L));
            log.write(1, fields);
            log.sync();
        }
        assertThat(Files.readString(file))
                .isEqualTo("{\"step\":1,\"loss\":null,\"norm\":null,\"lr\":0.1,\"dropped\":{\"no picture\":3}}\n");
    }

    @Test
    void aTornLineIsDropped() throws IOException {
        Path file = folder.resolve("log.jsonl");
        for (String torn : List.of("{\"step\":2,\"lo", "{", "\0\0\0", "{\"step\":2}")) {
            Files.writeString(file, "{\"step\":1}\n" + torn);
            try (JsonLog log = new JsonLog(file)) {
                log.write(3, Map.of());
            }
            assertThat(Files.readString(file)).as(torn).isEqualTo("{\"step\":1}\n{\"step\":3}\n");
        }
        Files.writeString(file, "torn from the start");
        new JsonLog(file).close();
        assertThat(Files.size(file)).isZero();
    }

    @Test
    void aResumedLogGoesOnFromItsState() throws IOException {
        Path file = folder.resolve("log.jsonl");
        String kept = "{\"step\":10, \"loss\":1.50}\n{\"step\":20}\n{\"step\":20,\"kind\":\"validation\"}\n";
        Files.writeString(file, kept + "{\"step\":30}\n{\"step\":21}\nnonsense\n{\"no\":1}\n{\"step\":4");
        try (JsonLog log = new JsonLog(file)) {
            log.truncateAfter(20);
            assertThat(Files.readString(file)).isEqualTo(kept);
            log.write(30, Map.of());
            log.truncateAfter(30);
            log.write(40, Map.of());
        }
        assertThat(Files.readString(file)).isEqualTo(kept + "{\"step\":30}\n{\"step\":40}\n");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void eventsAreFramedAndHoldTheirNumbers() throws IOException {
        Path file;
        try (TensorBoardEvents events = new TensorBoardEvents(folder, 300)) {
            Map<String, Double> values = new LinkedHashMap<>();
            values.put("train/loss", 0.5);
            values.put("train/bad", Double.NaN);
            values.put("train/lr", 1e-3);
            events.scalars(300, values);
            events.picture(301, "grid", 3, 2, new byte[] {1, 2, 3});
            events.text(302, "config", "a *text* \u00fc");
            file = events.file();
        }
        List<Map<Integer, List<Object>>> events = read(file);
        assertThat(events).hasSize(5);
        assertThat(text(events.get(0), 3)).isEqualTo("brain.Event:2");
        assertThat(events.get(1).get(2)).containsExactly(300L);
        assertThat(message(message(events.get(1), 7)).get(1)).containsExactly(1L);
        Map<Integer, List<Object>> summary = message(message(events.get(2), 5));
        assertThat(summary.get(1)).hasSize(2);
        Map<Integer, List<Object>> loss = message((byte[]) summary.get(1).get(0));
        assertThat(text(loss, 1)).isEqualTo("train/loss");
        assertThat(loss.get(2)).containsExactly(Float.floatToRawIntBits(0.5f));
        Map<Integer, List<Object>> shown = message(message(message(message(events.get(3), 5)), 1));
        Map<Integer, List<Object>> image = message(message(shown, 4));
        assertThat(image.get(1)).containsExactly(2L);
        assertThat(image.get(2)).containsExactly(3L);
        assertThat((byte[]) image.get(4).get(0)).containsExactly(1, 2, 3);
        Map<Integer, List<Object>> value = message(message(message(message(events.get(4), 5)), 1));
        assertThat(text(message(message(value, 8)), 8)).isEqualTo("a *text* \u00fc");
        assertThat(text(message(message(message(message(value, 9)), 1)), 1)).isEqualTo("text");
    }

    @Test
    void everyStartHasAFileOfItsOwn() {
        List<Path> files = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            try (TensorBoardEvents events = new TensorBoardEvents(folder, i)) {
                files.add(events.file());
            }
        }
        assertThat(files).doesNotHaveDuplicates().isSorted();
    }

    @Test
    void theSumIsTheOneOfRecordFiles() {
        // CRC-32C of "123456789" is 0xe3069283
        int sum = TensorBoardEvents.maskedSum("123456789".getBytes(StandardCharsets.US_ASCII), 0, 9);
        assertThat(sum).isEqualTo((0xe3069283 >>> 15 | 0xe3069283 << 17) + 0xa282ead8);
    }

    private static String text(Map<Integer, List<Object>> message, int field) {
        return new String(message(message, field), StandardCharsets.UTF_8);
    }

    private static byte[] message(Map<Integer, List<Object>> message, int field) {
        return (byte[]) message.get(field).get(0);
    }

    /** A protocol buffer by its wire format: field number to values. */
    private static Map<Integer, List<Object>> message(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        Map<Integer, List<Object>> fields = new HashMap<>();
        while (in.hasRemaining()) {
            long tag = varint(in);
            Object value =
                    switch ((int) (tag & 7)) {
                        case 0 -> varint(in);
                        case 1 -> in.getDouble();
                        case 2 -> {
                            byte[] part = new byte[(int) varint(in)];
                            in.get(part);
                            yield part;
                        }
                        case 5 -> in.getInt();
                        default -> throw new AssertionError("wire type " + tag);
                    };
            fields.computeIfAbsent((int) (tag >>> 3), _ -> new ArrayList<>()).add(value);
        }
        return fields;
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte part = in.get();
            value |= (long) (part & 0x7f) << shift;
            if (part >= 0) {
                return value;
            }
        }
    }

    private static List<Map<Integer, List<Object>>> read(Path file) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<Map<Integer, List<Object>>> events = new ArrayList<>();
        while (in.hasRemaining()) {
            int start = in.position();
            byte[] data = new byte[(int) in.getLong()];
            assertThat(in.getInt()).isEqualTo(TensorBoardEvents.maskedSum(in.array(), start, 8));
            in.get(data);
            assertThat(in.getInt()).isEqualTo(TensorBoardEvents.maskedSum(data, 0, data.length));
            events.add(message(data));
        }
        return events;
    }

    @Test
    void linesAreNotLostWhenAppended() throws IOException {
        Path file = folder.resolve("log.jsonl");
        Files.writeString(file, "{\"step\":1}\n", StandardOpenOption.CREATE);
        try (JsonLog log = new JsonLog(file)) {
            log.write(2, Map.of("step", "overridden by the argument"));
        }
        assertThat(Files.readString(file)).isEqualTo("{\"step\":1}\n{\"step\":2}\n");
    }
}
