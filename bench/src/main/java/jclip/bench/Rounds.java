package jclip.bench;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import jclip.backend.Context;
import jclip.backend.Isa;
import jclip.backend.Library;
import jclip.backend.NativeMemory;

/**
 * Measures one case on one thread in interleaved rounds: ceiling, fast kernel, ceiling, for each instruction set, and the plain version.
 * Each ratio is between neighbours in time and by the thread's own clock, so that a busy machine disturbs little.
 */
final class Rounds {
    private static final long SAMPLE_NANOS = 1_500_000;

    private final Library library;
    private final int rounds;

    Rounds(Library library, int rounds) {
        this.library = library;
        this.rounds = rounds;
    }

    /** One instruction set's kernel beside its ceiling. */
    private final class Contender implements AutoCloseable {
        final Isa isa;
        final Ceiling ceiling;
        final Context context;
        final Work work;
        final double[] share = new double[rounds];
        final double[] plain = new double[rounds];
        final long repeats;

        Contender(Case subject, Isa isa) {
            this.isa = isa;
            this.ceiling = new Ceiling(isa, library.bestIsa(), 1);
            this.context = new Context(library, isa, 1);
            this.work = subject.open(context);
            work.run();
            this.repeats = isa == Isa.REF ? 1 : Math.max(1, SAMPLE_NANOS / Math.max(1, nanos(1)));
        }

        long nanos(long times) {
            long start = ceiling.now();
            for (long i = 0; i < times; i++) {
                work.run();
            }
            return ceiling.now() - start;
        }

        double seconds() {
            return 1e-9 * nanos(repeats) / repeats;
        }

        @Override
        public void close() {
            work.close();
            context.close();
        }
    }

    /** The ratios of every fast instruction set that the machine has. */
    List<Measurement> measure(Line line) {
        Case subject = Case.of(line);
        List<Contender> fast = new ArrayList<>();
        try (Contender plain = new Contender(subject, Isa.REF);
                NativeMemory memory = copyMemory(subject.amount())) {
            for (Isa isa : Isa.values()) {
                if (isa != Isa.REF && isa.compareTo(library.bestIsa()) <= 0) {
                    fast.add(new Contender(subject, isa));
                }
            }
            for (int round = 0; round < rounds; round++) {
                round(subject.amount(), plain, fast, memory.segment(), round);
            }
        } finally {
            fast.forEach(Contender::close);
        }
        return fast.stream()
                .map(c -> new Measurement(line.toString(), c.isa, Ratio.of(c.share), Ratio.of(c.plain)))
                .toList();
    }

    private static void round(Amount amount, Contender plain, List<Contender> fast, MemorySegment memory, int round) {
        double plainSeconds = plain.seconds();
        for (Contender contender : fast) {
            double before = ceiling(contender.ceiling, amount, memory);
            double seconds = contender.seconds();
            // The greater of the two: a ceiling that was disturbed is none.
            double ceiling = Math.max(before, ceiling(contender.ceiling, amount, memory));
            contender.share[round] = (amount.isCopy() ? amount.bytes() : amount.flops()) / seconds / ceiling;
            contender.plain[round] = plainSeconds / seconds;
        }
    }

    private static double ceiling(Ceiling ceiling, Amount amount, MemorySegment memory) {
        if (!amount.isCopy()) {
            return ceiling.flops();
        }
        long half = (long) amount.bytes() / 2;
        return ceiling.copiedBytes(memory, memory.asSlice(memory.byteSize() / 2), half);
    }

    /** Two halves, each as large as half of what the case moves. */
    private static NativeMemory copyMemory(Amount amount) {
        long half = amount.isCopy() ? ((long) amount.bytes() / 2 + 4096) / 64 * 64 : 64;
        NativeMemory memory = NativeMemory.allocate(2 * half);
        memory.segment().fill((byte) 1);
        return memory;
    }
}
