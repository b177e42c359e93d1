package jclip.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import jclip.backend.Context;
import jclip.backend.NativeMemory;
import jclip.graph.Graph;
import jclip.graph.Plan;
import jclip.graph.Program;
import jclip.graph.Tensor;

/** Runs a tower once without shortcuts and keeps activations by name; memory of its own, given back at the end. */
final class Inspection {
    private final Context context;
    private final Weights weights;
    private final Plans plans;

    Inspection(Context context, Weights weights, Plans plans) {
        this.context = context;
        this.weights = weights;
        this.plans = plans;
    }

    Map<String, TensorValues> images(MemorySegment pixels, int count, Set<String> names) {
        return run(plans.imageGraph(count), names, bound -> {
            MemorySegment input = bound.input(0);
            MemorySegment.copy(pixels, 0, input, 0, input.byteSize());
        });
    }

    Map<String, TensorValues> texts(int[] tokens, int count, Set<String> names) {
        Packing packing = new Packing(plans.architecture().text(), count, plans.cutText());
        int rows = Plans.tokenBucket(count * plans.architecture().text().contextLength());
        return run(plans.textGraph(count, rows), names, bound -> {
            packing.measure(tokens, 0, count);
            packing.write(bound.inputs(), tokens);
        });
    }

    private Map<String, TensorValues> run(Graph graph, Set<String> names, Consumer<Slot.Bound> fill) {
        Plan plan = Plan.keeping(graph, context, names);
        Map<String, TensorValues> values = new LinkedHashMap<>();
        try (NativeMemory arena = NativeMemory.allocate(plan.bytes());
                Program program = new Program(plan, context, arena.segment(), weights::address)) {
            Slot.Bound bound = new Slot.Bound(program);
            fill.accept(bound);
            bound.run();
            for (String name : names) {
                Tensor tensor = graph.tensor(name);
                values.put(
                        name,
                        new TensorValues(tensor.shape(), program.segment(tensor).toArray(ValueLayout.JAVA_FLOAT)));
            }
        }
        return values;
    }
}
