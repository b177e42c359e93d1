package jclip.image;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Pictures handed out one by one to the calling thread and some more; every thread has its own scratch memory. */
final class Batch {
    /** Preprocesses the picture of this index. */
    interface Task {
        void run(int index, Scratch scratch);
    }

    private final int count;
    private final Task task;
    private final AtomicInteger next = new AtomicInteger();
    private final Queue<PictureFailure> failures = new ConcurrentLinkedQueue<>();
    private final AtomicReference<@Nullable Throwable> defect = new AtomicReference<>();

    private Batch(int count, Task task) {
        this.count = count;
        this.task = task;
    }

    /** All pictures, whatever happens to one; the failures in order. */
    static List<PictureFailure> run(int count, int threads, Task task) {
        Batch batch = new Batch(count, task);
        List<Thread> others = new ArrayList<>();
        for (int i = 1; i < Math.min(threads, count); i++) {
            others.add(Thread.ofPlatform().daemon().name("jclip-pictures-" + i).start(batch::work));
        }
        batch.work();
        others.forEach(Batch::join);
        Throwable defect = batch.defect.get();
        if (defect != null) {
            throw new IllegalStateException("preprocessing broke off: " + defect, defect);
        }
        return batch.failures.stream()
                .sorted(Comparator.comparingInt(PictureFailure::index))
                .toList();
    }

    private void work() {
        try (Scratch scratch = new Scratch()) {
            for (int i = next.getAndIncrement(); i < count && defect.get() == null; i = next.getAndIncrement()) {
                one(i, scratch);
            }
        } catch (RuntimeException | Error e) {
            defect.compareAndSet(null, e);
        }
    }

    private void one(int index, Scratch scratch) {
        try {
            task.run(index, scratch);
        } catch (ImageException e) {
            failures.add(new PictureFailure(index, e));
        }
    }

    /** Waits even when interrupted: the threads write into the caller's memory. */
    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
