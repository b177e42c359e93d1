package jclip.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds for each hash an earlier one that is near. Hashes within three bits agree in at least one of four bands of 16
 * bits, so that only those in the same place of a band are compared. Not safe for several threads.
 */
final class NearDuplicates {
    private static final int BANDS = PerceptualHash.NEAR + 1;
    private static final int BITS = Long.SIZE / BANDS;

    private final Map<Integer, List<Integer>> places = new HashMap<>();
    private final List<Long> hashes = new ArrayList<>();

    /** The number of an earlier hash within {@link PerceptualHash#NEAR} bits, or -1; then this one is an earlier one. */
    int add(long hash) {
        int found = -1;
        for (int band = 0; band < BANDS && found < 0; band++) {
            for (int other : places.getOrDefault(place(hash, band), List.of())) {
                if (PerceptualHash.distance(hash, hashes.get(other)) <= PerceptualHash.NEAR) {
                    found = other;
                    break;
                }
            }
        }
        for (int band = 0; band < BANDS; band++) {
            places.computeIfAbsent(place(hash, band), key -> new ArrayList<>(2)).add(hashes.size());
        }
        hashes.add(hash);
        return found;
    }

    long hash(int number) {
        return hashes.get(number);
    }

    private static int place(long hash, int band) {
        return band << BITS | (int) (hash >>> band * BITS) & (1 << BITS) - 1;
    }
}
