package jclip.eval;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Minimises a smooth convex function by L-BFGS with a line search for the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization,
 * 2006, algorithms 7.4, 3.5 and 3.6). Not thread-safe.
 */
final class Lbfgs {
    /** A function and its gradient. */
    interface Objective {
        /** The value at x; the gradient is written whole. */
        double evaluate(double[] x, double[] gradient);
    }

    /**
     * What was found.
     *
     * @param converged false if the iterations ran out
     */
    record Result(double[] x, double value, int iterations, boolean converged) {}

    private record Pair(double[] step, double[] change, double curvature) {}

    private record Point(double at, double value, double slope) {}

    private static final int MEMORY = 20;
    private static final double SUFFICIENT_DECREASE = 1e-4;
    private static final double CURVATURE = 0.9;
    private static final int LONGEST_SEARCH = 40;
    /** One small predicted gain may be luck of the direction. */
    private static final int CALM_ITERATIONS = 3;

    private final Objective objective;
    private final double[] inverseDiagonal;
    private final Deque<Pair> pairs = new ArrayDeque<>();
    private double[] x;
    private double[] gradient;
    private double value;
    private double[] trial;
    private double[] trialGradient;

    private Lbfgs(Objective objective, double[] start, double[] inverseDiagonal) {
        this.objective = objective;
        this.inverseDiagonal = inverseDiagonal;
        this.x = start.clone();
        this.gradient = new double[x.length];
        this.trial = new double[x.length];
        this.trialGradient = new double[x.length];
        this.value = objective.evaluate(x, gradient);
    }

    /**
     * Minimises.
     *
     * @param inverseDiagonal positive, roughly proportional to the inverse of the Hessian's diagonal
     * @param tolerance share of the value below which the gain still expected must fall: half of the Newton decrement, as the quasi-Newton
     *     direction estimates it
     */
    static Result minimise(
            Objective objective, double[] start, double[] inverseDiagonal, double tolerance, int maxIterations) {
        return new Lbfgs(objective, start, inverseDiagonal).run(tolerance, maxIterations);
    }

    private Result run(double tolerance, int maxIterations) {
        int calm = 0;
        for (int iteration = 0; iteration < maxIterations; iteration++) {
            double[] direction = direction();
            double slope = Vectors.dot(gradient, direction);
            calm = -slope / 2 <= tolerance * Math.abs(value) ? calm + 1 : 0;
            if (slope == 0 || calm == CALM_ITERATIONS) {
                return new Result(x, value, iteration, true);
            }
            double first = pairs.isEmpty() ? firstStep(slope) : 1;
            if (!search(direction, new Point(0, value, slope), first)) {
                // The value no longer falls within rounding, or old curvature misleads: the latter deserves a fresh
                // start.
                if (pairs.isEmpty() || calm > 0) {
                    return new Result(x, value, iteration, true);
                }
                pairs.clear();
            }
        }
        return new Result(x, value, maxIterations, false);
    }

    /** Without curvature a step must not leave the region where the slope means something. */
    private double firstStep(double slope) {
        return Math.min(1, Math.abs(value) / -slope);
    }

    /** The two-loop recursion. */
    private double[] direction() {
        double[] q = gradient.clone();
        double[] alphas = new double[pairs.size()];
        int i = 0;
        for (Pair pair : pairs) {
            alphas[i] = Vectors.dot(pair.step, q) / pair.curvature;
            add(q, -alphas[i++], pair.change);
        }
        double gamma = gamma();
        for (int j = 0; j < q.length; j++) {
            q[j] *= gamma * inverseDiagonal[j];
        }
        for (var oldest = pairs.descendingIterator(); oldest.hasNext(); ) {
            Pair pair = oldest.next();
            double beta = Vectors.dot(pair.change, q) / pair.curvature;
            add(q, alphas[--i] - beta, pair.step);
        }
        for (int j = 0; j < q.length; j++) {
            q[j] = -q[j];
        }
        return q;
    }

    private double gamma() {
        Pair newest = pairs.peekFirst();
        if (newest == null) {
            return 1;
        }
        double sum = 0;
        for (int j = 0; j < inverseDiagonal.length; j++) {
            sum += newest.change[j] * inverseDiagonal[j] * newest.change[j];
        }
        return newest.curvature / sum;
    }

    private static void add(double[] to, double factor, double[] what) {
        for (int i = 0; i < to.length; i++) {
            to[i] += factor * what[i];
        }
    }

    private Point at(double step, double[] direction) {
        for (int i = 0; i < x.length; i++) {
            trial[i] = x[i] + step * direction[i];
        }
        double found = objective.evaluate(trial, trialGradient);
        return new Point(step, found, Vectors.dot(trialGradient, direction));
    }

    /** Moves to a better point if it finds one. */
    private boolean search(double[] direction, Point start, double firstStep) {
        Point previous = start;
        double step = firstStep;
        for (int i = 0; i < LONGEST_SEARCH; i++) {
            Point point = at(step, direction);
            if (tooHigh(start, point) || (i > 0 && point.value >= previous.value)) {
                return zoom(direction, start, previous, point);
            }
            if (flat(start, point)) {
                return accept(point);
            }
            if (point.slope >= 0) {
                return zoom(direction, start, point, previous);
            }
            previous = point;
            step *= 2;
        }
        return false;
    }

    private static boolean tooHigh(Point start, Point point) {
        return !(point.value <= start.value + SUFFICIENT_DECREASE * point.at * start.slope);
    }

    private static boolean flat(Point start, Point point) {
        return Math.abs(point.slope) <= -CURVATURE * start.slope;
    }

    /** Narrows down between two steps; the first has the lower value. */
    private boolean zoom(double[] direction, Point start, Point low, Point high) {
        for (int i = 0; i < LONGEST_SEARCH; i++) {
            Point point = at(between(low, high), direction);
            if (tooHigh(start, point) || point.value >= low.value) {
                high = point;
            } else if (flat(start, point)) {
                return accept(point);
            } else {
                if (point.slope * (high.at - low.at) >= 0) {
                    high = low;
                }
                low = point;
            }
        }
        return low.at > 0 && accept(at(low.at, direction));
    }

    /** The minimum of the cubic through both values and slopes, kept away from the ends. */
    private static double between(Point low, Point high) {
        double width = high.at - low.at;
        double d1 = low.slope + high.slope - 3 * (low.value - high.value) / (low.at - high.at);
        double d2 = Math.copySign(Math.sqrt(d1 * d1 - low.slope * high.slope), width);
        double step = high.at - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2);
        double share = (step - low.at) / width;
        return share >= 0.1 && share <= 0.9 ? step : low.at + width / 2;
    }

    /** The trial point becomes the current one. */
    private boolean accept(Point point) {
        double[] step = new double[x.length];
        double[] change = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            step[i] = trial[i] - x[i];
            change[i] = trialGradient[i] - gradient[i];
        }
        double curvature = Vectors.dot(step, change);
        if (curvature > 0) {
            pairs.addFirst(new Pair(step, change, curvature));
            if (pairs.size() > MEMORY) {
                pairs.removeLast();
            }
        }
        double[] old = x;
        x = trial;
        trial = old;
        old = gradient;
        gradient = trialGradient;
        trialGradient = old;
        value = point.value;
        return true;
    }
}
