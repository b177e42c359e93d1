package jclip.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import jclip.backend.Context;
import jclip.backend.Library;
import jclip.backend.NativeMemory;
import jclip.graph.op.Activation;
import jclip.graph.op.L2Normalize;
import jclip.graph.op.LayerNorm;
import jclip.graph.op.Nonlinearity;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Places in the arena, and programs bound to it. */
class PlanTest {
    private static final int ROWS = 5;
    private static final int WIDTH = 37;

    /** Also a program that could not be bound leaves nothing behind. */
    @AfterEach
    void nothingIsLeft() {
        assertThat(NativeMemory.liveBytes()).isZero();
    }

    /** x is read twice, late; so the first function may not write over it, while the second may. */
    private static Graph graph() {
        Graph graph = new Graph("test");
        Tensor x = graph.input("x", DType.F32, ROWS, WIDTH);
        Tensor weight = graph.parameter(Parameter.plain("weight", WIDTH));
        Tensor bias = graph.parameter(Parameter.plain("bias", WIDTH));
        Tensor a = graph.record("a", new LayerNorm(x, weight, bias, 1e-5, null));
        Tensor b = graph.record("b", new Activation(a, Nonlinearity.GELU));
        Tensor c = graph.record("c", new Activation(b, Nonlinearity.QUICK_GELU));
        Tensor d = graph.record("d", new LayerNorm(b, weight, bias, 1e-5, null));
        graph.output(graph.record("e", new L2Normalize(d, 1e-12, null)));
        graph.output(c);
        return graph;
    }

    private static float[] run(Plan plan, Context context, String output) {
        try (NativeMemory arena = NativeMemory.allocate(plan.bytes() + 64);
                NativeMemory ones = NativeMemory.allocate(WIDTH * Float.BYTES)) {
            for (int i = 0; i < WIDTH; i++) {
                ones.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
            }
            MemorySegment edge = arena.segment().asSlice(plan.bytes());
            edge.fill((byte) 0x5a);
            try (Program program = new Program(
                    plan, context, arena.segment(), p -> ones.segment().address())) {
                MemorySegment x = program.segment(plan.graph().tensor("x"));
                for (int i = 0; i < ROWS * WIDTH; i++) {
                    x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin(i * 1.7));
                }
                program.run();
                assertThat(edge.toArray(ValueLayout.JAVA_BYTE)).containsOnly(0x5a);
                return program.segment(plan.graph().tensor(output)).toArray(ValueLayout.JAVA_FLOAT);
            }
        }
    }

    @Test
    void inPlaceOnlyWhereNobodyReadsLater() {
        try (Context context = new Context(Library.cpu())) {
            Graph graph = graph();
            Plan tight = Plan.of(graph, context);
            Plan loose = Plan.keeping(graph, context, Set.of("a", "b", "c", "d"));
            assertThat(tight.bytes()).isLessThan(loose.bytes());
            for (String output : List.of("c", "e")) {
                assertThat(run(tight, context, output)).isEqualTo(run(loose, context, output));
            }
            assertThat(tight.offset(graph.tensor("b"))).isEqualTo(tight.offset(graph.tensor("a")));
            assertThat(tight.offset(graph.tensor("c"))).isNotEqualTo(tight.offset(graph.tensor("b")));
            assertThat(tight.explain(graph.nodes().get(1))).contains("in place of a");
            assertThat(tight.print()).contains("layer_norm").contains("arena");
        }
    }

    @Test
    void arenaOfTheWrongSizeIsRefused() {
        try (Context context = new Context(Library.cpu());
                NativeMemory small = NativeMemory.allocate(64)) {
            Plan plan = Plan.of(graph(), context);
            assertThatThrownBy(() -> new Program(plan, context, small.segment(), p -> 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(String.valueOf(plan.bytes()));
        }
    }

    @Test
    void interpretNamesTheFirstNodeThatIsNotFinite() {
        try (Context context = new Context(Library.cpu())) {
            Plan plan = Plan.of(graph(), context);
            try (NativeMemory arena = NativeMemory.allocate(plan.bytes());
                    NativeMemory weights = NativeMemory.allocate(WIDTH * Float.BYTES)) {
                weights.segment().setAtIndex(ValueLayout.JAVA_FLOAT, 3, Float.POSITIVE_INFINITY);
                try (Program program = new Program(
                        plan, context, arena.segment(), p -> weights.segment().address())) {
                    Graph.@Nullable Node node = program.interpret();
                    assertThat(node).isNotNull();
                    assertThat(node.outputs().getFirst().name()).isEqualTo("a");
                }
                weights.segment().fill((byte) 0);
                try (Program program = new Program(
                        plan, context, arena.segment(), p -> weights.segment().address())) {
                    assertThat(program.interpret()).isNull();
                    assertThat(program.profile()).hasSize(plan.graph().nodes().size());
                }
            }
        }
    }

    /** A struct field that is not in the header, written twice, or left out, is an error when the program is bound. */
    @Test
    void argumentStructsMustBeComplete() {
        for (List<String> fields :
                List.of(List.of("x", "y", "count"), List.of("x", "y", "count", "count", "activation"), List.of("z"))) {
            Graph graph = new Graph("wrong");
            Tensor x = graph.input("x", DType.F32, 3);
            graph.output(graph.record("y", new Wrong(x, fields)));
            try (Context context = new Context(Library.cpu());
                    NativeMemory arena = NativeMemory.allocate(4096)) {
                assertThatThrownBy(() -> new Program(Plan.of(graph, context), context, arena.segment(), p -> 0))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("activation");
            }
        }
    }

    private record Wrong(Tensor x, List<String> fields) implements Op {
        @Override
        public String operator() {
            return "activation";
        }

        @Override
        public Stream<@Nullable Tensor> inputs() {
            return Stream.of(x);
        }

        @Override
        public List<Output> outputs() {
            return List.of(Output.f32(3));
        }

        @Override
        public void write(Fields target, List<Tensor> outputs) {
            for (String field : fields) {
                switch (field) {
                    case "x" -> target.set("x", x);
                    case "y" -> target.set("y", outputs.getFirst());
                    default -> target.set(field, 1);
                }
            }
        }
    }
}
