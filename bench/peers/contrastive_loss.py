"""The contrastive loss, forward and backward, beside torch's three usual ways, in turns, so that whatever disturbs disturbs all.

usage: contrastive_loss.py LIBRARY [--rows 1024,4096,8192] [--width 512] [--threads 2] [--rounds 5] [--engines ...]
LIBRARY is libjclip.so. Each contender is a process of its own; its memory is the most that was resident less what was before the first
call (features already there). Engines: jclip, one-matrix (one matrix of logits and its transpose), two-matrices (open_clip's), compiled.
"""
import argparse
import ctypes
import os
import resource
import subprocess
import sys
import time

INT, ADDRESS = ctypes.c_int64, ctypes.c_void_p


class Context(ctypes.Structure):
    _fields_ = [("isa", INT), ("threads", INT), ("cancel", ADDRESS), ("gemm", ADDRESS), ("failed", INT),
                ("message", ctypes.c_char * 512)]


def arguments(pointers, sizes, doubles=""):
    fields = [(name, ADDRESS) for name in pointers.split()] + [(name, INT) for name in sizes.split()]
    return type("Arguments", (ctypes.Structure,),
                {"_fields_": fields + [(name, ctypes.c_double) for name in doubles.split()]})


SIZES = "workspace_bytes rows width kind"
Forward = arguments("image text log_scale bias loss statistics workspace", SIZES)
Backward = arguments("image text log_scale bias statistics d_image d_text d_log_scale d_bias workspace", SIZES, "upstream")


def features(rows, width):
    import numpy
    random = numpy.random.default_rng(1)
    image = random.standard_normal((rows, width), dtype=numpy.float32)
    text = 0.3 * image + random.standard_normal((rows, width), dtype=numpy.float32)
    for x in (image, text):
        x /= numpy.linalg.norm(x, axis=1, keepdims=True)
    return image, text


def jclip(rows, width, threads, path):
    import numpy
    library = ctypes.CDLL(path)
    for name in ("jc_isa", "jc_threads", "jc_contrastive_loss_workspace", "jc_contrastive_loss_gradient_workspace"):
        getattr(library, name).restype = INT
    library.jc_threads.argtypes = [INT]
    library.jc_threads(threads)
    context = Context(isa=library.jc_isa(), threads=threads)
    image, text = features(rows, width)

    def at(array):
        return array.ctypes.data

    def aligned(count):
        raw = numpy.empty(count + 64, numpy.uint8)
        start = -raw.ctypes.data % 64
        return raw[start:start + count]

    scale = numpy.array([2.659], numpy.float32)

    def operator(function, size, given):
        """A call whose memory is planned once, as jclip's programs do."""
        given.workspace_bytes = size(ctypes.byref(context), ctypes.byref(given))
        workspace = aligned(given.workspace_bytes)
        given.workspace = at(workspace)

        def call(_keep=workspace):
            assert function(ctypes.byref(context), ctypes.byref(given)) == 0, context.message

        return call

    calls, results = [], []

    def step():
        if not calls:
            loss, d_scale = numpy.zeros(1, numpy.float32), numpy.zeros(1, numpy.float32)
            statistics = numpy.empty((5, rows), numpy.float32)
            d_image, d_text = numpy.empty_like(image), numpy.empty_like(text)
            results.extend([loss, d_scale, statistics, d_image, d_text])
            calls.append(operator(library.jc_contrastive_loss, library.jc_contrastive_loss_workspace, Forward(
                image=at(image), text=at(text), log_scale=at(scale), loss=at(loss), statistics=at(statistics), rows=rows,
                width=width)))
            calls.append(operator(
                library.jc_contrastive_loss_gradient, library.jc_contrastive_loss_gradient_workspace, Backward(
                    image=at(image), text=at(text), log_scale=at(scale), statistics=at(statistics), d_image=at(d_image),
                    d_text=at(d_text), d_log_scale=at(d_scale), rows=rows, width=width, upstream=1.0)))
        for call in calls:
            call()
        return float(results[0][0])

    return step


def torch_step(engine, rows, width, threads):
    import torch
    from torch.nn.functional import cross_entropy
    torch.set_num_threads(threads)
    image, text = (torch.from_numpy(x).requires_grad_() for x in features(rows, width))
    scale = torch.tensor(2.659, requires_grad=True)
    labels = torch.arange(rows)

    def one_matrix(u, t, s):
        logits = s.exp() * u @ t.T
        return (cross_entropy(logits, labels) + cross_entropy(logits.T, labels)) / 2

    def two_matrices(u, t, s):
        s = s.exp()
        return (cross_entropy(s * u @ t.T, labels) + cross_entropy(s * t @ u.T, labels)) / 2

    loss_of = {"one-matrix": one_matrix, "two-matrices": two_matrices}.get(engine)
    if engine == "compiled":
        loss_of = torch.compile(one_matrix)

    def step():
        image.grad = text.grad = scale.grad = None
        loss = loss_of(image, text, scale)
        loss.backward()
        return loss.item()

    return step


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def contender(engine, rows, width, threads, path):
    os.environ["OMP_NUM_THREADS"] = str(threads)
    step = jclip(rows, width, threads, path) if engine == "jclip" else torch_step(engine, rows, width, threads)
    before = peak_megabytes()
    loss = step()
    print("ready", peak_megabytes() - before, loss, flush=True)
    for _ in sys.stdin:
        times = []
        while sum(times) < 0.5:
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(sorted(times)[len(times) // 2], flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--rows", default="1024,4096,8192")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", default="jclip,one-matrix,two-matrices")
    parser.add_argument("--contender")
    given = parser.parse_args()
    if given.contender:
        contender(given.contender, int(given.rows), given.width, given.threads, given.library)
        return
    print(f"width {given.width}, {given.threads} threads, load {os.getloadavg()[0]:.1f}; milliseconds forward + backward: median [least, most]")
    for rows in given.rows.split(","):
        processes, times, start = {}, {}, {}
        for engine in given.engines.split(","):
            command = [sys.executable, __file__, given.library, "--rows", rows, "--width", str(given.width), "--threads",
                       str(given.threads), "--contender", engine]
            processes[engine] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            start[engine], times[engine] = processes[engine].stdout.readline().split(), []
        for _ in range(given.rounds):
            for engine, process in processes.items():
                time.sleep(0.3)  # threads of the one before may still spin
                process.stdin.write("go\n")
                process.stdin.flush()
                times[engine].append(1e3 * float(process.stdout.readline()))
        for engine, process in processes.items():
            process.stdin.close()
            process.wait()
            ratios = sorted(theirs / ours for theirs, ours in zip(times[engine], times["jclip"]))
            values = sorted(times[engine])
            middle = len(values) // 2
            print(f"{rows:>6} {engine:<13} {values[middle]:8.1f} [{values[0]:.1f}, {values[-1]:.1f}]  "
                  f"{ratios[middle]:.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}] times jclip's  "
                  f"{float(start[engine][1]):8.1f} MiB beyond the features  loss {start[engine][2]}", flush=True)


if __name__ == "__main__":
    main()
