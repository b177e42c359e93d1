package jclip.bench;

import jclip.backend.Library;

/** Prints the kind of this machine and the commit measured, for scripts. */
public final class MachineKind {
    private MachineKind() {}

    public static void main(String[] args) {
        System.out.println(
                Machine.here(Library.cpu().bestIsa()).kind() + " " + System.getProperty("jclip.commit", "unknown"));
    }
}
