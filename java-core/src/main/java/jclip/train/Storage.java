package jclip.train;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.Predicate;
import jclip.backend.NativeMemory;
import jclip.graph.Parameter;

/**
 * What lives from step to step: parameters, their gradients, AdamW's moments, a moving average, and what is not trained (frozen parameters,
 * running statistics). Trained tensors lie one after the other in the same order in each block, 64-byte aligned, so that the optimiser is
 * one operator over all of them; the gaps hold zeros. Float32. Not thread-safe.
 */
public final class Storage implements AutoCloseable {
    private static final long ALIGNMENT = 16;

    /**
     * Where a tensor lies.
     *
     * @param trained in the trained blocks, or among the constants
     * @param first its first element's index there
     */
    public record Place(String name, List<Long> shape, boolean trained, long first) {
        /** Number of elements. */
        public long elements() {
            return shape.stream().reduce(1L, Math::multiplyExact);
        }
    }

    private final SequencedMap<String, Place> places = new LinkedHashMap<>();
    private final Map<String, NativeMemory> blocks = new LinkedHashMap<>();
    private final long trainedElements;

    /**
     * Zeros for all tensors.
     *
     * @param tensors names and shapes; a scalar's shape is empty
     * @param trained which of them are trained
     * @param averaged whether a moving average of the trained ones is kept
     */
    public Storage(SequencedMap<String, long[]> tensors, Predicate<String> trained, boolean averaged) {
        long next = 0;
        long constants = 0;
        for (Map.Entry<String, long[]> tensor : tensors.entrySet()) {
            boolean train = trained.test(tensor.getKey());
            List<Long> shape =
                    java.util.Arrays.stream(tensor.getValue()).boxed().toList();
            Place place = new Place(tensor.getKey(), shape, train, train ? next : constants);
            places.put(tensor.getKey(), place);
            long end = Math.ceilDiv(Math.addExact(place.first, place.elements()), ALIGNMENT) * ALIGNMENT;
            next = train ? end : next;
            constants = train ? constants : end;
        }
        this.trainedElements = next;
        List<String> names = new ArrayList<>(List.of("values", "gradients", "first_moments", "second_moments"));
        if (averaged) {
            names.add("average");
        }
        try {
            for (String name : names) {
                blocks.put(name, NativeMemory.allocate(Math.max(next, 1) * Float.BYTES));
            }
            blocks.put("constants", NativeMemory.allocate(Math.max(constants, 1) * Float.BYTES));
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** All tensors, in their order. */
    public List<Place> places() {
        return List.copyOf(places.values());
    }

    /** Trained tensors, in the order in which they lie. */
    List<Place> trained() {
        return places.values().stream().filter(Place::trained).toList();
    }

    /** Elements of each trained block, gaps included. */
    long trainedElements() {
        return trainedElements;
    }

    /** A tensor's values. */
    public MemorySegment values(String name) {
        Place place = place(name);
        return slice(place.trained ? "values" : "constants", place);
    }

    /** A trained tensor's gradient. */
    public MemorySegment gradient(String name) {
        return slice("gradients", trainedPlace(name));
    }

    /** A trained tensor's moving average; of any other tensor the values. */
    public MemorySegment average(String name) {
        Place place = place(name);
        return place.trained && isAveraged() ? slice("average", place) : values(name);
    }

    boolean isAveraged() {
        return blocks.containsKey("average");
    }

    boolean has(String name) {
        return places.containsKey(name);
    }

    boolean isTrained(String name) {
        return place(name).trained;
    }

    /** A trained tensor's first moment. */
    public MemorySegment firstMoment(String name) {
        return slice("first_moments", trainedPlace(name));
    }

    /** A trained tensor's second moment. */
    public MemorySegment secondMoment(String name) {
        return slice("second_moments", trainedPlace(name));
    }

    private MemorySegment slice(String block, Place place) {
        return block(block).asSlice(place.first * Float.BYTES, place.elements() * Float.BYTES);
    }

    private Place place(String name) {
        Place place = places.get(name);
        if (place == null) {
            throw new IllegalArgumentException("no tensor is named '" + name + "'");
        }
        return place;
    }

    private Place trainedPlace(String name) {
        Place place = place(name);
        if (!place.trained) {
            throw new IllegalArgumentException("'" + name + "' is not trained");
        }
        return place;
    }

    MemorySegment block(String name) {
        return Objects.requireNonNull(blocks.get(name), name).segment();
    }

    /** The blocks that a run must find again to go on as if it had not stopped. */
    public SequencedMap<String, MemorySegment> state() {
        SequencedMap<String, MemorySegment> state = new LinkedHashMap<>();
        blocks.forEach((name, memory) -> {
            if (!name.equals("gradients")) {
                state.put(name, memory.segment());
            }
        });
        return state;
    }

    /** Address of a plain parameter or of its gradient, also of rows of one; names of blocks stand for whole blocks. */
    long address(Parameter parameter) {
        if (blocks.containsKey(parameter.name())) {
            return block(parameter.name()).address();
        }
        MemorySegment tensor =
                parameter.form() == Parameter.Form.GRADIENT ? gradient(parameter.name()) : values(parameter.name());
        return tensor.address() + parameter.firstElement() * Float.BYTES;
    }

    @Override
    public void close() {
        blocks.values().forEach(NativeMemory::close);
    }
}
