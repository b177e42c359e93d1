package jclip.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import jclip.backend.Library;

/**
 * {@code TowerProcess TOWER BATCH THREADS}: jclip's side of {@code peers/compare.py}. Answers each line {@code go SECONDS} with the median
 * seconds of one call in that time; one thread is timed by its own clock, several by the wall clock.
 */
public final class TowerProcess {
    private TowerProcess() {}

    public static void main(String[] args) throws IOException {
        int threads = Integer.parseInt(args[2]);
        Library.cpu().threads(threads);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Ceiling clock = new Ceiling(Library.cpu().isa(), Library.cpu().bestIsa(), threads);
        try (LoadedTower tower = new LoadedTower(new Tower(args[0]), Integer.parseInt(args[1]), threads)) {
            tower.encode();
            tower.encode();
            System.out.println("ready jclip " + System.getProperty("jclip.commit", "unknown"));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                System.out.println(medianSeconds(tower, clock, Double.parseDouble(line.split(" ")[1])));
            }
        }
    }

    private static double medianSeconds(LoadedTower tower, Ceiling clock, double seconds) {
        List<Long> nanos = new ArrayList<>();
        long end = System.nanoTime() + (long) (seconds * 1e9);
        while (nanos.isEmpty() || System.nanoTime() < end) {
            long start = clock.now();
            tower.encode();
            nanos.add(clock.now() - start);
        }
        Collections.sort(nanos);
        return 1e-9 * nanos.get(nanos.size() / 2);
    }
}
