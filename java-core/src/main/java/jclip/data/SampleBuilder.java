package jclip.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Collects the members of one sample of a shard. */
final class SampleBuilder {
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private final String key;
    private final ShardFile file;
    private final Set<Member> seen = EnumSet.noneOf(Member.class);
    private final List<String> captions = new ArrayList<>();
    private final List<String> jsonCaptions = new ArrayList<>();
    private String format = "";
    private long offset = -1;
    private int length;
    private int label = -1;
    private @Nullable Defect defect;

    SampleBuilder(String key, ShardFile file) {
        this.key = key;
        this.file = file;
    }

    String key() {
        return key;
    }

    /** The archive is broken within this sample. */
    void fail(Defect why) {
        defect = defect == null ? why : defect;
    }

    void add(String extension, long at, long size) {
        Member member = Member.of(extension);
        if (member == Member.OTHER) {
            return;
        }
        if (!seen.add(member)) {
            fail(Defect.AMBIGUOUS);
        } else if (size > member.limit()) {
            fail(Defect.TOO_LARGE);
        } else {
            read(member, extension, at, (int) size);
        }
    }

    private void read(Member member, String extension, long at, int size) {
        try {
            switch (member) {
                case PICTURE -> {
                    format = extension;
                    offset = at;
                    length = size;
                }
                case CAPTIONS -> lines(text(file.read(at, size)), captions);
                case LABEL -> label = label(text(file.read(at, size)));
                case JSON -> json(file.read(at, size));
                case OTHER -> {}
            }
        } catch (CharacterCodingException e) {
            fail(Defect.BAD_TEXT);
        } catch (NumberFormatException e) {
            fail(Defect.BAD_LABEL);
        } catch (IOException e) {
            fail(Defect.BAD_TEXT);
        }
    }

    private static String text(byte[] bytes) throws CharacterCodingException {
        return StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .decode(ByteBuffer.wrap(bytes))
                .toString();
    }

    static void lines(String text, List<String> to) {
        text.lines().map(String::strip).filter(line -> !line.isEmpty()).forEach(to::add);
    }

    private static int label(String text) {
        int value = Integer.parseInt(text.strip());
        if (value < 0) {
            throw new NumberFormatException("label " + value);
        }
        return value;
    }

    /** A text or a list of texts in the field {@code caption} or {@code captions}; the others are not looked at. */
    private void json(byte[] bytes) throws IOException {
        try (JsonParser parser = JSON.createParser(bytes)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("no object");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean wanted = parser.currentName().equals("caption")
                        || parser.currentName().equals("captions");
                parser.nextToken();
                if (wanted) {
                    jsonText(parser);
                } else {
                    parser.skipChildren();
                }
            }
        }
    }

    private void jsonText(JsonParser parser) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_STRING) {
            String text = parser.getText().strip();
            if (!text.isEmpty()) {
                jsonCaptions.add(text);
            }
        } else if (parser.currentToken() == JsonToken.START_ARRAY) {
            while (parser.nextToken() == JsonToken.VALUE_STRING) {
                jsonText(parser);
            }
        } else {
            parser.skipChildren();
        }
    }

    /** The sample with what is wrong with it. */
    Sample build() {
        // A .txt is the caption; the .json beside it often holds the same one among its other fields.
        List<String> texts = captions.isEmpty() ? jsonCaptions : captions;
        if (offset < 0) {
            fail(Defect.NO_PICTURE);
        }
        if (texts.isEmpty() && label < 0) {
            fail(Defect.NO_CAPTION);
        }
        return new Sample(key, format, offset, length, label, texts.toArray(String[]::new), defect);
    }
}
