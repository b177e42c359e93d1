package jclip.backend;

import java.util.Locale;

/** Instruction sets of the CPU library, in rising order; {@code REF} is the plain version of every operator. */
public enum Isa {
    REF(0),
    AVX2(1),
    AVX512(2);

    private final int code;

    Isa(int code) {
        this.code = code;
    }

    /** Its number in {@code jclip.h}. */
    int code() {
        return code;
    }

    static Isa ofCode(long code) {
        for (Isa isa : values()) {
            if (isa.code == code) {
                return isa;
            }
        }
        throw new LibraryException("the library names an instruction set " + code + " that this jar does not know");
    }

    /**
     * The instruction set of that name, in any letter case.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Isa of(String name) {
        for (Isa isa : values()) {
            if (isa.name().equalsIgnoreCase(name)) {
                return isa;
            }
        }
        throw new IllegalArgumentException("JCLIP_ISA is '" + name + "'; it must be ref, avx2 or avx512");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
