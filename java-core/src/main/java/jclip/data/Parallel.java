package jclip.data;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** Pieces of work by number, done by the calling thread and some more that end with the call. */
final class Parallel {
    private Parallel() {}

    /** What fails first is thrown once all threads have ended. */
    static void run(int count, int threads, IntConsumer work) {
        AtomicInteger next = new AtomicInteger();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Runnable loop = () -> {
            try {
                for (int i = next.getAndIncrement(); i < count && failure.get() == null; i = next.getAndIncrement()) {
                    work.accept(i);
                }
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
            }
        };
        List<Thread> others = new ArrayList<>();
        for (int i = 1; i < Math.min(threads, count); i++) {
            others.add(Thread.ofPlatform().daemon().name("jclip-data-" + i).start(loop));
        }
        loop.run();
        join(others);
        switch (failure.get()) {
            case null -> {}
            case Error error -> throw error;
            case RuntimeException error -> throw error;
            case Throwable error -> throw new IllegalStateException(error);
        }
    }

    /** Waits even when interrupted, and leaves the thread so. */
    static void join(List<Thread> threads) {
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
