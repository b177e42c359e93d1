package jclip.train;

/** A step's loss or gradients are not finite; the parameters are as before the step. */
public final class NonFiniteException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NonFiniteException(double loss, double norm, String culprit) {
        super("loss " + loss + ", gradient norm " + norm + ": first not finite: " + culprit
                + "; lower the learning rate, clip gradients, or look for broken inputs");
    }
}
