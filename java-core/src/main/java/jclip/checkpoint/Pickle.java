package jclip.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a pickle without executing anything. It knows data opcodes and passes the three that would call something
 * (REDUCE, NEWOBJ, BUILD) to {@link Globals}, which knows tensors; every other opcode and every other global is refused
 * by name. No setting widens this.
 *
 * <p>Values are Long, Double, Boolean, String, {@link Null}, {@link Tuple}, {@link PyList}, {@link Dict} and what the
 * globals make. Containers compare by identity, so that recursive ones can do no harm. Nothing recurses, and memory is
 * bounded by a small multiple of the pickle's length: empty containers hold no collection.
 */
final class Pickle {
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int NAME_LIMIT = 1024;
    private static final Object MARK = new Object();

    /** Python's None. */
    enum Null {
        /** The only one. */
        NONE
    }

    /** A tuple. */
    static final class Tuple {
        final List<Object> items;

        Tuple(List<Object> items) {
            this.items = items;
        }
    }

    /** A list. */
    static final class PyList {
        private List<Object> items = List.of();

        private void addAll(List<Object> more) {
            if (items.isEmpty()) {
                items = new ArrayList<>(more.size());
            }
            items.addAll(more);
        }
    }

    /** A dict or OrderedDict; keys are Long, Double, Boolean, String or None. */
    static final class Dict {
        private Map<Object, Object> items = Map.of();

        Map<Object, Object> items() {
            return items;
        }

        private void put(Object key, Object value) {
            if (items.isEmpty()) {
                items = new LinkedHashMap<>();
            }
            items.put(key, value);
        }
    }

    /** What a pickle may refer to by name. */
    interface Globals {
        /** The value of a global, or null if it is not on the list. */
        @Nullable
        Object find(String module, String name);

        /** The result of calling a value that {@link #find} gave. */
        Object call(Object function, Tuple arguments);

        /** A new instance of a class that {@link #find} gave. */
        Object create(Object type, Tuple arguments);

        /** Sets an object's state. */
        void build(Object target, Object state);

        /** The object that lies outside the pickle. */
        Object load(Object id);
    }

    private final String where;
    private final MemorySegment bytes;
    private final Globals globals;
    private final ArrayList<Object> stack = new ArrayList<>();
    private final Map<Long, Object> memo = new HashMap<>();
    private long position;

    private Pickle(String where, MemorySegment bytes, Globals globals) {
        this.where = where;
        this.bytes = bytes;
        this.globals = globals;
    }

    /** The object that the pickle holds. */
    static Object read(String where, MemorySegment bytes, Globals globals) {
        return new Pickle(where, bytes, globals).run();
    }

    private Object run() {
        if (bytes.byteSize() == 0) {
            throw corrupt("the pickle is empty");
        }
        while (true) {
            int opcode = u8();
            if (opcode == '.') {
                return pop();
            }
            if (!pushData(opcode) && !collect(opcode) && !refer(opcode)) {
                throw unsafe("opcode 0x" + Integer.toHexString(opcode)
                        + (opcode > 32 && opcode < 127 ? " ('" + (char) opcode + "')" : "")
                        + " is unknown or not needed for tensors");
            }
        }
    }

    private boolean pushData(int opcode) {
        switch (opcode) {
            case 0x80 -> {
                int protocol = u8();
                if (protocol > 5) {
                    throw corrupt("pickle protocol " + protocol + " is unknown; known are 0 to 5");
                }
            }
            case 0x95 -> take(8); // FRAME: only a hint for buffered readers
            case 'N' -> stack.add(Null.NONE);
            case 0x88 -> stack.add(true);
            case 0x89 -> stack.add(false);
            case 'J' -> stack.add((long) bytes.get(I32, take(4)));
            case 'K' -> stack.add((long) u8());
            case 'M' -> stack.add((long) (bytes.get(U16, take(2)) & 0xffff));
            case 0x8a -> stack.add(longInteger(u8()));
            case 'G' -> stack.add(bytes.get(F64, take(8)));
            case 0x8c -> stack.add(string(u8()));
            case 'X' -> stack.add(string(bytes.get(I32, take(4)) & 0xffffffffL));
            case 0x8d -> stack.add(string(bytes.get(I64, take(8))));
            case ')' -> stack.add(new Tuple(List.of()));
            case ']' -> stack.add(new PyList());
            case '}' -> stack.add(new Dict());
            case '(' -> stack.add(MARK);
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean collect(int opcode) {
        switch (opcode) {
            case 't' -> stack.add(new Tuple(popToMark()));
            case 0x85 -> stack.add(new Tuple(popSome(1)));
            case 0x86 -> stack.add(new Tuple(popSome(2)));
            case 0x87 -> stack.add(new Tuple(popSome(3)));
            case 'a' -> append(popSome(1));
            case 'e' -> append(popToMark());
            case 's' -> setItems(popSome(2));
            case 'u' -> setItems(popToMark());
            case 'q' -> memo.put((long) u8(), top());
            case 'r' -> memo.put(bytes.get(I32, take(4)) & 0xffffffffL, top());
            case 0x94 -> memo.put((long) memo.size(), top());
            case 'h' -> stack.add(remembered(u8()));
            case 'j' -> stack.add(remembered(bytes.get(I32, take(4)) & 0xffffffffL));
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean refer(int opcode) {
        switch (opcode) {
            case 'c' -> stack.add(global(line(), line()));
            case 0x93 -> {
                List<Object> names = popSome(2);
                if (!(names.get(0) instanceof String module) || !(names.get(1) instanceof String name)) {
                    throw corrupt("STACK_GLOBAL finds no two strings");
                }
                stack.add(global(module, name));
            }
            case 'R' -> {
                List<Object> pair = popSome(2);
                stack.add(globals.call(pair.get(0), tuple(pair.get(1))));
            }
            case 0x81 -> {
                List<Object> pair = popSome(2);
                stack.add(globals.create(pair.get(0), tuple(pair.get(1))));
            }
            case 'b' -> {
                Object state = pop();
                globals.build(top(), state);
            }
            case 'Q' -> stack.add(globals.load(pop()));
            default -> {
                return false;
            }
        }
        return true;
    }

    private Object global(String module, String name) {
        Object found = globals.find(module, name);
        if (found == null) {
            throw unsafe(
                    "the global " + module + "." + name + " is not allowed: a checkpoint of tensors does not need it."
                            + " Nothing was executed. Save the plain state_dict, or as safetensors");
        }
        return found;
    }

    private void append(List<Object> items) {
        if (!(top() instanceof PyList list)) {
            throw corrupt("APPEND to something that is not a list");
        }
        list.addAll(items);
    }

    private void setItems(List<Object> pairs) {
        if (!(top() instanceof Dict dict) || pairs.size() % 2 != 0) {
            throw corrupt("SETITEM on something that is not a dictionary, or with a key and no value");
        }
        for (int i = 0; i < pairs.size(); i += 2) {
            Object key = pairs.get(i);
            if (!(key instanceof String || key instanceof Number || key instanceof Boolean || key == Null.NONE)) {
                throw corrupt("a dictionary key that is neither string, number nor None");
            }
            dict.put(key, pairs.get(i + 1));
        }
    }

    private Tuple tuple(Object value) {
        if (value instanceof Tuple tuple) {
            return tuple;
        }
        throw corrupt("a call without a tuple of arguments");
    }

    private Object remembered(long key) {
        Object value = memo.get(key);
        if (value == null) {
            throw corrupt("the memo has no entry " + key);
        }
        return value;
    }

    private Object top() {
        if (stack.isEmpty() || stack.getLast() == MARK) {
            throw corrupt("the pickle takes more from its stack than there is");
        }
        return stack.getLast();
    }

    private Object pop() {
        Object value = top();
        stack.removeLast();
        return value;
    }

    private List<Object> popSome(int count) {
        Object[] values = new Object[count];
        for (int i = count - 1; i >= 0; i--) {
            values[i] = pop();
        }
        return List.of(values);
    }

    private List<Object> popToMark() {
        int mark = stack.size() - 1;
        while (mark >= 0 && stack.get(mark) != MARK) {
            mark--;
        }
        if (mark < 0) {
            throw corrupt("the pickle's stack has no mark");
        }
        List<Object> items = stack.subList(mark + 1, stack.size());
        List<Object> copy = List.copyOf(items);
        items.clear();
        stack.removeLast();
        return copy;
    }

    private Object longInteger(int length) {
        byte[] little = bytes.asSlice(take(length), length).toArray(ValueLayout.JAVA_BYTE);
        if (length == 0) {
            return 0L;
        }
        byte[] big = new byte[length];
        for (int i = 0; i < length; i++) {
            big[i] = little[length - 1 - i];
        }
        BigInteger value = new BigInteger(big);
        return value.bitLength() < 64 ? (Object) value.longValue() : value;
    }

    private String string(long length) {
        return decode(bytes.asSlice(take(length), length));
    }

    private String line() {
        long begin = position;
        while (u8() != '\n') {
            if (position - begin > NAME_LIMIT) {
                throw corrupt("the name of a global is longer than " + NAME_LIMIT + " bytes");
            }
        }
        return decode(bytes.asSlice(begin, position - 1 - begin));
    }

    private String decode(MemorySegment text) {
        try {
            CharBuffer chars =
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text.toArray(ValueLayout.JAVA_BYTE)));
            return chars.toString();
        } catch (CharacterCodingException e) {
            throw new CheckpointException(
                    CheckpointException.Reason.CORRUPT_FILE, where + ": a string of the pickle is not UTF-8", e);
        }
    }

    private int u8() {
        return bytes.get(ValueLayout.JAVA_BYTE, take(1)) & 0xff;
    }

    /** Moves on by {@code count} bytes, if so many are there, and returns where they begin. */
    private long take(long count) {
        if (count < 0 || count > bytes.byteSize() - position) {
            throw corrupt("the pickle is truncated: a length of " + Long.toUnsignedString(count) + " bytes at "
                    + position + " goes beyond its end at " + bytes.byteSize());
        }
        long begin = position;
        position += count;
        return begin;
    }

    private CheckpointException corrupt(String what) {
        return CheckpointException.corrupt(where, what);
    }

    private CheckpointException unsafe(String what) {
        return new CheckpointException(CheckpointException.Reason.UNSAFE_PICKLE, where + ": " + what);
    }
}
