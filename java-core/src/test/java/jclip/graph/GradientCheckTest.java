package jclip.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import jclip.backend.Context;
import jclip.backend.Header;
import jclip.backend.Library;
import jclip.graph.op.Activation;
import jclip.graph.op.Attention;
import jclip.graph.op.Gemm;
import jclip.graph.op.L2Normalize;
import jclip.graph.op.LayerNorm;
import jclip.graph.op.Nonlinearity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A user's own operators, in Java and in C, and what the gradient check says of right and wrong gradients. */
class GradientCheckTest {
    private static final double NOISE = 5e-3;

    /** An example: y = x^2, element by element, in Java. The gradient is an operator of its own. */
    record Square(Tensor x) implements Op.InJava {
        @Override
        public String operator() {
            return "square";
        }

        @Override
        public Stream<Tensor> inputs() {
            return Stream.of(x);
        }

        @Override
        public List<Output> outputs() {
            return List.of(new Output(x.type(), x.shape(), null));
        }

        @Override
        public void compute(List<MemorySegment> inputs, List<MemorySegment> outputs) {
            for (long i = 0; i < x.elements(); i++) {
                float value = inputs.getFirst().getAtIndex(ValueLayout.JAVA_FLOAT, i);
                outputs.getFirst().setAtIndex(ValueLayout.JAVA_FLOAT, i, value * value);
            }
        }

        @Override
        public void gradient(List<Tensor> outputs, Gradients gradients) {
            Tensor dy = gradients.of(outputs.getFirst());
            gradients.add(x, gradients.record(x, new Product(x, dy, 2)));
        }
    }

    /** y = factor a b. */
    record Product(Tensor a, Tensor b, float factor) implements Op.InJava {
        @Override
        public String operator() {
            return "product";
        }

        @Override
        public Stream<Tensor> inputs() {
            return Stream.of(a, b);
        }

        @Override
        public List<Output> outputs() {
            return List.of(new Output(a.type(), a.shape(), null));
        }

        @Override
        public void compute(List<MemorySegment> inputs, List<MemorySegment> outputs) {
            for (long i = 0; i < a.elements(); i++) {
                float value = inputs.get(0).getAtIndex(ValueLayout.JAVA_FLOAT, i)
                        * inputs.get(1).getAtIndex(ValueLayout.JAVA_FLOAT, i);
                outputs.getFirst().setAtIndex(ValueLayout.JAVA_FLOAT, i, factor * value);
            }
        }
    }

    /** As {@link Square} with a gradient that forgets the 2. */
    record WrongSquare(Square square) implements Op.InJava {
        @Override
        public String operator() {
            return "wrong_square";
        }

        @Override
        public Stream<Tensor> inputs() {
            return square.inputs();
        }

        @Override
        public List<Output> outputs() {
            return square.outputs();
        }

        @Override
        public void compute(List<MemorySegment> inputs, List<MemorySegment> outputs) {
            square.compute(inputs, outputs);
        }

        @Override
        public void gradient(List<Tensor> outputs, Gradients gradients) {
            Tensor dy = gradients.of(outputs.getFirst());
            gradients.add(square.x(), gradients.record(square.x(), new Product(square.x(), dy, 1)));
        }
    }

    /** An example in C: any function of the contract's signature, here one of the library's, with a struct of the user's own words. */
    record ForeignAdd(Tensor a, Tensor b) implements Op.Foreign {
        @Override
        public String operator() {
            return "my_add";
        }

        @Override
        public MemorySegment function() {
            return Library.cpu().operator("add");
        }

        @Override
        public Header.Struct arguments() {
            return Header.Struct.parse("""
                typedef struct {
                  const float* left;  /* in [count] */
                  const float* right; /* in [count] */
                  float* sum;         /* out [count] */
                  int64_t count;
                } jc_my_add_args;
                """);
        }

        @Override
        public Stream<Tensor> inputs() {
            return Stream.of(a, b);
        }

        @Override
        public List<Output> outputs() {
            return List.of(new Output(a.type(), a.shape(), null));
        }

        @Override
        public void write(Fields fields, List<Tensor> outputs) {
            fields.set("left", a).set("right", b).set("sum", outputs.getFirst()).set("count", a.elements());
        }

        @Override
        public void gradient(List<Tensor> outputs, Gradients gradients) {
            gradients.add(a, gradients.of(outputs.getFirst()));
            gradients.add(b, gradients.of(outputs.getFirst()));
        }
    }

    private static List<GradientCheck.Derivative> check(Function<Graph, Tensor> record) {
        try (Context context = new Context(Library.cpu())) {
            return GradientCheck.of(record, context, 1);
        }
    }

    private static void right(Function<Graph, Tensor> record) {
        assertThat(check(record)).isNotEmpty().allSatisfy(d -> assertThat(d.error())
                .isLessThan(NOISE));
    }

    @Test
    void anOperatorInJava() {
        right(g -> g.record("y", new Square(g.input("x", DType.F32, 5, 7))));
    }

    @Test
    void anOperatorInJavaBetweenNativeOnes() {
        right(g -> {
            Tensor x = g.input("x", DType.F32, 4, 16);
            Tensor unit = g.record("unit", new L2Normalize(x, 1e-12, null));
            Tensor squared = g.record("squared", new Square(unit));
            return g.record("y", new Activation(squared, Nonlinearity.GELU));
        });
    }

    @Test
    void anOperatorInC() {
        right(g -> g.record("y", new ForeignAdd(g.input("a", DType.F32, 3, 5), g.input("b", DType.F32, 3, 5))));
    }

    @Test
    void aWrongGradientIsSeen() {
        assertThat(check(g -> g.record("y", new WrongSquare(new Square(g.input("x", DType.F32, 5, 7))))))
                .allSatisfy(d -> assertThat(d.error()).isGreaterThan(0.3));
    }

    @Test
    void anOperatorWithoutGradientIsNamed() {
        assertThatThrownBy(() -> check(g -> {
                    Tensor x = g.input("x", DType.F32, 2, 2);
                    return g.record("y", new Product(x, x, 1));
                }))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("product");
    }

    /** A block in small: everything that a tower's residual block records, with a tensor that two operators read. */
    private static Tensor block(Graph graph, Tensor x) {
        long width = x.width();
        Tensor weight = graph.parameter(Parameter.plain("ln.weight", width));
        Tensor bias = graph.parameter(Parameter.plain("ln.bias", width));
        Tensor normed = graph.record("normed", new LayerNorm(x, weight, bias, 1e-5, null));
        Tensor in = graph.parameter(Parameter.gemm("in", 3 * width, width));
        Tensor qkv = graph.record("qkv", new Gemm(normed, in, null, null, Nonlinearity.IDENTITY, null));
        Tensor attended = graph.record(
                "attended",
                new Attention(
                        qkv.columns(0, width),
                        qkv.columns(width, width),
                        qkv.columns(2 * width, width),
                        Attention.Sequences.dense(2, x.rows() / 2, x.rows() / 2),
                        2,
                        true,
                        0.5));
        Tensor out = graph.parameter(Parameter.gemm("out", width, width));
        return graph.record("sum", new Gemm(attended, out, null, x, Nonlinearity.IDENTITY, null));
    }

    @ParameterizedTest
    @ValueSource(longs = {8, 16, 24})
    void aResidualBlock(long width) {
        right(g -> block(g, g.input("x", DType.F32, 6, width)));
    }
}
