package jclip.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import jclip.checkpoint.CheckpointException.Reason;
import org.jspecify.annotations.Nullable;

/**
 * A memory-mapped PyTorch zip file: a state dict, a training checkpoint that holds one under {@code state_dict}, or a
 * TorchScript archive, whose tensors are named by their attribute path. Its pickle is read without executing anything
 * (see {@link Pickle}); storages that are not compressed stay where they lie.
 *
 * <p>Allowed globals: {@code collections.OrderedDict}, {@code torch._utils._rebuild_tensor_v2}, {@code
 * torch._utils._rebuild_parameter}, {@code torch.<Type>Storage}; in a TorchScript archive also classes under {@code
 * __torch__} (as inert records of attributes) and {@code torch.jit._pickle}'s typed lists.
 *
 * <p>Safe for many threads; {@link #close} must come after the last use of a view.
 */
public final class TorchArchive extends TensorFile {
    /** A pickle of ten thousand tensors has about 2 MB; this bounds what a hostile one can allocate. */
    private static final long PICKLE_LIMIT = 4L << 20;

    private static final long COPY_FLOOR = 256L << 20;
    private static final int DEPTH_LIMIT = 64;
    private static final int WALK_LIMIT = 1_000_000;

    private final Path file;
    private final SequencedMap<String, StoredTensor> tensors = new LinkedHashMap<>();
    private boolean training;

    private TorchArchive(Path file) {
        super(file);
        this.file = file;
    }

    /**
     * Opens a file and reads its pickle; tensor values are not touched, unless they are compressed.
     *
     * @throws CheckpointException if it is not a sound PyTorch zip file of tensors, or asks for anything else
     */
    public static TorchArchive open(Path file) {
        TorchArchive opened = new TorchArchive(file);
        try {
            opened.parse(Mapping.map(file, opened.arena()));
            return opened;
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    /** Whether the tensors stood under {@code state_dict} beside other things. */
    boolean isTrainingCheckpoint() {
        return training;
    }

    @Override
    SequencedMap<String, StoredTensor> stored() {
        return Collections.unmodifiableSequencedMap(tensors);
    }

    private void parse(MemorySegment bytes) {
        checkKind(bytes);
        ZipArchive zip = ZipArchive.of(file, bytes);
        ZipArchive.Entry pickle = findPickle(zip);
        String root = pickle.name().substring(0, pickle.name().length() - "data.pkl".length());
        checkByteOrder(zip, root);
        if (pickle.size() > PICKLE_LIMIT) {
            throw corrupt("data.pkl is too large: " + pickle.size() + " bytes, limit " + PICKLE_LIMIT);
        }
        boolean script = zip.entries().containsKey(root + "constants.pkl");
        Torch torch = new Torch(zip, root, script, Math.addExact(bytes.byteSize(), COPY_FLOOR));
        Object top = Pickle.read(file + "(data.pkl)", zip.checkedContent(pickle, arena()), torch);
        collect(top, torch);
    }

    private void checkKind(MemorySegment bytes) {
        if (bytes.byteSize() == 0) {
            throw corrupt("the file is empty; not a PyTorch file");
        }
        String start = Mapping.ascii(bytes, 0, Math.min(bytes.byteSize(), 14));
        if (start.startsWith("\u0080\u0002\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P")) {
            throw new CheckpointException(
                    Reason.UNSUPPORTED_FORMAT,
                    file + ": is in PyTorch's legacy format, not a zip file, or truncated; load it with PyTorch 1.6 or"
                            + " later and save it again with torch.save or as safetensors");
        }
        if (!start.startsWith("PK")) {
            throw corrupt("not a PyTorch file (no zip file)" + Mapping.guess(bytes));
        }
    }

    /** The entry data.pkl in the only folder at the top, whatever the folder's name. */
    private ZipArchive.Entry findPickle(ZipArchive zip) {
        List<ZipArchive.Entry> found = zip.entries().values().stream()
                .filter(entry -> entry.name().endsWith("/data.pkl")
                        && entry.name().indexOf('/') == entry.name().length() - "/data.pkl".length())
                .toList();
        if (found.size() != 1) {
            throw corrupt(
                    found.isEmpty()
                            ? "data.pkl is missing: the zip file is not a PyTorch file"
                            : "more than one data.pkl: "
                                    + found.stream().map(ZipArchive.Entry::name).toList());
        }
        return found.getFirst();
    }

    private void checkByteOrder(ZipArchive zip, String root) {
        ZipArchive.Entry entry = zip.entries().get(root + "byteorder");
        if (entry == null) {
            return;
        }
        MemorySegment content = entry.size() <= 16 ? zip.content(entry, arena()) : MemorySegment.NULL;
        String order = Mapping.ascii(content, 0, content.byteSize());
        if (order.equals("big")) {
            throw new CheckpointException(
                    Reason.UNSUPPORTED_FORMAT,
                    file + ": byte order is big endian;"
                            + " save it again on a little-endian machine or as safetensors");
        }
        if (!order.equals("little")) {
            throw corrupt("byte order '" + order + "' is unknown; wanted 'little'");
        }
    }

    private void collect(Object top, Torch torch) {
        if (top instanceof ScriptObject module) {
            walk(module, torch, "", 0, new int[1]);
            return;
        }
        if (top instanceof Pickle.Dict dict) {
            if (dict.items().get("state_dict") instanceof Pickle.Dict inner) {
                training = true;
                dict = inner;
            }
            dict.items().forEach((key, value) -> addEntry(key, value, torch));
            return;
        }
        throw corrupt("not a state dict: the pickle holds " + kind(top));
    }

    private void addEntry(Object key, Object value, Torch torch) {
        if (!(key instanceof String name)) {
            throw corrupt("not a state dict: the key " + key + " is not a string");
        }
        if (!(value instanceof RawTensor raw)) {
            throw corrupt("not a state dict: '" + name + "' is not a tensor but " + kind(value));
        }
        tensors.put(name, torch.tensor(name, raw));
    }

    private void walk(ScriptObject module, Torch torch, String prefix, int depth, int[] visited) {
        if (depth > DEPTH_LIMIT) {
            throw corrupt("modules are nested deeper than " + DEPTH_LIMIT + ", at '" + prefix + "': recursive?");
        }
        for (Map.Entry<Object, Object> attribute : module.state.items().entrySet()) {
            if (++visited[0] > WALK_LIMIT) {
                throw corrupt("more than " + WALK_LIMIT + " attributes of modules");
            }
            String name = prefix + attribute.getKey();
            if (attribute.getValue() instanceof RawTensor raw) {
                tensors.put(name, torch.tensor(name, raw));
            } else if (attribute.getValue() instanceof ScriptObject child) {
                walk(child, torch, name + ".", depth + 1, visited);
            }
        }
    }

    private static String kind(Object value) {
        return switch (value) {
            case Pickle.Dict dict -> "a dictionary";
            case Pickle.PyList list -> "a list";
            case Pickle.Tuple tuple -> "a tuple";
            case Pickle.Null none -> "None";
            case RawTensor tensor -> "a tensor";
            case Function function -> "the function " + function;
            case String text -> "a string";
            case Number number -> "the number " + number;
            default -> "something else";
        };
    }

    private CheckpointException corrupt(String what) {
        return CheckpointException.corrupt(file, what);
    }

    private record StorageType(DType dtype) {}

    private record Storage(DType dtype, long elements, MemorySegment data) {}

    /**
     * The arguments of a tensor: storage, offset, size, stride; checked when it is known under which name it stands.
     */
    private record RawTensor(List<Object> arguments) {}

    private record ScriptClass(String name) {}

    /** An instance of a TorchScript class: attributes by name, no behaviour. */
    private static final class ScriptObject {
        private Pickle.Dict state = new Pickle.Dict();
    }

    private enum Function {
        ORDERED_DICT,
        REBUILD_TENSOR,
        REBUILD_PARAMETER,
        TYPED_LIST
    }

    /** The globals that tensors need, and nothing else. */
    private final class Torch implements Pickle.Globals {
        private static final Map<String, Function> FUNCTIONS = Map.of(
                "collections.OrderedDict", Function.ORDERED_DICT,
                "torch._utils._rebuild_tensor_v2", Function.REBUILD_TENSOR,
                "torch._utils._rebuild_parameter", Function.REBUILD_PARAMETER);
        private static final Map<String, Function> SCRIPT_FUNCTIONS = Map.of(
                "torch.jit._pickle.build_intlist", Function.TYPED_LIST,
                "torch.jit._pickle.build_doublelist", Function.TYPED_LIST,
                "torch.jit._pickle.build_boollist", Function.TYPED_LIST,
                "torch.jit._pickle.build_tensorlist", Function.TYPED_LIST,
                "torch.jit._pickle.restore_type_tag", Function.TYPED_LIST);
        private static final Map<String, DType> STORAGES = Map.of(
                "torch.DoubleStorage", DType.F64,
                "torch.FloatStorage", DType.F32,
                "torch.HalfStorage", DType.F16,
                "torch.BFloat16Storage", DType.BF16,
                "torch.LongStorage", DType.I64,
                "torch.IntStorage", DType.I32,
                "torch.ShortStorage", DType.I16,
                "torch.CharStorage", DType.I8,
                "torch.ByteStorage", DType.U8,
                "torch.BoolStorage", DType.BOOL);

        private final ZipArchive zip;
        private final String root;
        private final boolean script;
        private final Map<String, Storage> storages = new HashMap<>();
        private long copies;

        /**
         * @param copies how many bytes tensors that do not lie contiguously may have together; without such a limit a
         *     tensor of 16 bytes can be expanded to any size
         */
        Torch(ZipArchive zip, String root, boolean script, long copies) {
            this.zip = zip;
            this.root = root;
            this.script = script;
            this.copies = copies;
        }

        @Override
        public @Nullable Object find(String module, String name) {
            String full = module + "." + name;
            if (STORAGES.containsKey(full)) {
                return new StorageType(STORAGES.get(full));
            }
            if (FUNCTIONS.containsKey(full)) {
                return FUNCTIONS.get(full);
            }
            if (script && (module.equals("__torch__") || module.startsWith("__torch__."))) {
                return new ScriptClass(full);
            }
            return script ? SCRIPT_FUNCTIONS.get(full) : null;
        }

        @Override
        public Object call(Object function, Pickle.Tuple arguments) {
            List<Object> values = arguments.items;
            if (function == Function.ORDERED_DICT && values.isEmpty()) {
                return new Pickle.Dict();
            }
            if (function == Function.REBUILD_TENSOR && values.size() >= 4) {
                return new RawTensor(values);
            }
            if (function == Function.REBUILD_PARAMETER
                    && !values.isEmpty()
                    && values.getFirst() instanceof RawTensor raw) {
                return raw;
            }
            if (function == Function.TYPED_LIST) {
                return Pickle.Null.NONE;
            }
            throw unsafe(
                    "REDUCE calls " + kind(function) + " with " + values.size() + " arguments, which is unexpected");
        }

        @Override
        public Object create(Object type, Pickle.Tuple arguments) {
            if (type instanceof ScriptClass && arguments.items.isEmpty()) {
                return new ScriptObject();
            }
            throw unsafe("NEWOBJ of something that is not a TorchScript module is unexpected");
        }

        @Override
        public void build(Object target, Object state) {
            if (target instanceof ScriptObject object && state instanceof Pickle.Dict attributes) {
                object.state = attributes;
            } else if (!(target instanceof Pickle.Dict && state instanceof Pickle.Dict)) {
                // an OrderedDict may carry attributes (state_dict's _metadata), which nobody needs
                throw unsafe("BUILD of " + kind(target) + " is unexpected");
            }
        }

        @Override
        public Object load(Object id) {
            if (id instanceof Pickle.Tuple tuple
                    && tuple.items.size() == 5
                    && tuple.items.get(0).equals("storage")
                    && tuple.items.get(1) instanceof StorageType type
                    && tuple.items.get(2) instanceof String key
                    && tuple.items.get(4) instanceof Long elements) {
                Storage known = storages.get(key);
                if (known == null) {
                    known = storage(type.dtype, key, elements);
                    storages.put(key, known);
                }
                if (known.dtype != type.dtype || known.elements != elements) {
                    throw corrupt("storage '" + key + "' is described in two ways");
                }
                return known;
            }
            throw unsafe("a persistent id that is not a storage");
        }

        private Storage storage(DType dtype, String key, long elements) {
            if (!key.matches("[0-9A-Za-z_]{1,64}")) {
                throw corrupt("storage key '" + key + "' is not allowed: letters and digits only (no '/' or '..')");
            }
            ZipArchive.Entry entry = zip.entries().get(root + "data/" + key);
            if (entry == null) {
                throw corrupt("storage '" + key + "' is missing: there is no entry " + root + "data/" + key);
            }
            if (elements < 0 || elements > entry.size() || elements * dtype.bytes() != entry.size()) {
                throw corrupt("storage '" + key + "' has " + entry.size() + " bytes; " + elements + " elements of "
                        + dtype + " need "
                        + (elements < 0 || elements > entry.size() ? "another size" : elements * dtype.bytes()));
            }
            return new Storage(dtype, elements, zip.content(entry, arena()));
        }

        /** Checks a tensor's place in its storage. */
        StoredTensor tensor(String name, RawTensor raw) {
            if (!(raw.arguments.get(0) instanceof Storage storage) || !(raw.arguments.get(1) instanceof Long offset)) {
                throw corrupt("tensor '" + name + "' has no storage or offset");
            }
            long[] shape = integers(name, "size", raw.arguments.get(2));
            long[] strides = integers(name, "stride", raw.arguments.get(3));
            if (shape.length != strides.length) {
                throw corrupt("tensor '" + name + "' has size " + StoredTensor.text(shape) + " and stride "
                        + StoredTensor.text(strides) + " of another rank");
            }
            try {
                return tensor(name, storage, offset, shape, strides);
            } catch (ArithmeticException e) {
                throw corrupt("tensor '" + name + "' of size " + StoredTensor.text(shape) + " and stride "
                        + StoredTensor.text(strides) + " overflows 64 bits");
            }
        }

        private StoredTensor tensor(String name, Storage storage, long offset, long[] shape, long[] strides) {
            long elements = StoredTensor.elements(shape);
            Math.multiplyExact(elements, (long) storage.dtype.bytes());
            long last = offset;
            for (int d = 0; d < shape.length; d++) {
                last = Math.addExact(last, Math.multiplyExact(Math.max(shape[d] - 1, 0), strides[d]));
            }
            if (offset < 0 || offset > storage.elements || (elements > 0 && last >= storage.elements)) {
                throw corrupt("tensor '" + name + "' with offset " + offset + ", size " + StoredTensor.text(shape)
                        + " and stride " + StoredTensor.text(strides) + " goes beyond its storage of "
                        + storage.elements
                        + " elements");
            }
            StoredTensor tensor = new StoredTensor(
                    storage.dtype, shape, strides, storage.data.asSlice(offset * storage.dtype.bytes()));
            if (!tensor.isContiguous()) {
                copies -= tensor.bytes();
                if (copies < 0) {
                    throw corrupt("tensor '" + name + "' of size " + StoredTensor.text(shape) + " and stride "
                            + StoredTensor.text(strides) + " is too large to be made contiguous: " + tensor.bytes()
                            + " bytes");
                }
            }
            return tensor;
        }

        private long[] integers(String name, String what, Object value) {
            if (!(value instanceof Pickle.Tuple tuple) || tuple.items.size() > 8) {
                throw corrupt("tensor '" + name + "': its " + what + " is no tuple of at most 8 integers");
            }
            long[] integers = new long[tuple.items.size()];
            for (int i = 0; i < integers.length; i++) {
                if (!(tuple.items.get(i) instanceof Long number) || number < 0) {
                    throw corrupt("tensor '" + name + "': its " + what + " holds "
                            + (tuple.items.get(i) instanceof Number wrong ? wrong : kind(tuple.items.get(i)))
                            + "; wanted integers that are not negative");
                }
                integers[i] = number;
            }
            return integers;
        }

        private CheckpointException unsafe(String what) {
            return new CheckpointException(Reason.UNSAFE_PICKLE, file + ": " + what + "; nothing was executed");
        }
    }
}
