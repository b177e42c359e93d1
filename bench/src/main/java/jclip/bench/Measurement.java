package jclip.bench;

import jclip.backend.Isa;

/**
 * One operator at one size under one instruction set, on one thread.
 *
 * @param line the case
 * @param share of the machine's ceiling
 * @param plain how many times faster than the plain version
 */
record Measurement(String line, Isa isa, Ratio share, Ratio plain) {
    /** What identifies it among stored ones. */
    String key() {
        return isa + " " + line;
    }
}
