"""What PyTorch on the same GPU needs for the operators of this folder: one JSON line a case, same shapes as runner.cpp.

Timing as in runner.cpp: a sample is one replay of a CUDA graph with `calls` calls, each on another input set of a rotation larger than
three times L2; median and quartiles of 50 samples. A case that fails prints its error instead of a time.

    python3 peers.py [--only attention,norm,...] [--no-compile] [--seconds 240] > peers.jsonl
"""
import argparse
import json
import math
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

torch.manual_seed(1)
torch.backends.cudnn.benchmark = True
torch.set_float32_matmul_precision("highest")
ROTATION = 170e6
SAMPLES = 50
START = time.time()


def emit(**fields):
    print(json.dumps(fields), flush=True)


def measure(call, sets, calls=None, graph=True):
    """Median and quartiles in microseconds of call(*inputs), the inputs taken from `sets` in turn."""
    calls = calls or max(len(sets), 4)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for i in range(3):
            call(*sets[i % len(sets)])
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()

    def plain():
        for i in range(calls):
            call(*sets[i % len(sets)])

    replay, mode = plain, "stream"
    if graph:
        try:
            g = torch.cuda.CUDAGraph()
            with torch.cuda.graph(g):
                plain()
            replay, mode = g.replay, "graph"
        except Exception:  # not every backend can be captured
            torch.cuda.synchronize()
    for _ in range(3):
        replay()
    torch.cuda.synchronize()
    times = []
    for _ in range(SAMPLES):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e3 / calls)
    q = statistics.quantiles(times, n=4)
    return dict(us=round(q[1], 2), q1=round(q[0], 2), q3=round(q[2], 2), timed=mode, sets=len(sets), calls=calls)


def case(name, peer, shape, call, sets, bytes_=0, flops=0, **options):
    if time.time() - START > ARGS.seconds:
        emit(case=name, peer=peer, shape=shape, skipped="time")
        return
    try:
        r = measure(call, sets, **options)
        s = r["us"] * 1e-6
        emit(case=name, peer=peer, shape=shape, **r, bytes=bytes_, flops=flops, tbs=round(bytes_ / s / 1e12, 4), tflops=round(flops / s / 1e12, 2))
    except Exception as e:
        emit(case=name, peer=peer, shape=shape, error=f"{type(e).__name__}: {str(e)[:200]}")
    torch.cuda.synchronize()


def count(bytes_per_set):
    return max(1, math.ceil(ROTATION / bytes_per_set))


def randn(*shape, dtype=torch.bfloat16, scale=1.0):
    return torch.randn(*shape, device="cuda", dtype=dtype) * scale


def compiled(f):
    return torch.compile(f, dynamic=False)


def ceilings():
    a, b = torch.empty(2 << 30, dtype=torch.uint8, device="cuda"), torch.empty(2 << 30, dtype=torch.uint8, device="cuda")
    a.random_(0, 255)
    case("ceiling copy", "torch copy_", "2 GiB", lambda x, y: y.copy_(x), [(a, b)], bytes_=2 * (2 << 30))
    del a, b
    n = 8192
    sets = [(randn(n, n), randn(n, n), torch.empty(n, n, device="cuda", dtype=torch.bfloat16)) for _ in range(2)]
    case("ceiling gemm", "torch mm bf16", f"{n}^3", lambda x, y, z: torch.mm(x, y.t(), out=z), sets, bytes_=6 * n * n, flops=2 * n**3)


BACKENDS = [("flash", SDPBackend.FLASH_ATTENTION), ("efficient", SDPBackend.EFFICIENT_ATTENTION), ("cudnn", SDPBackend.CUDNN_ATTENTION),
            ("math", SDPBackend.MATH)]


def attention():
    for b, n, h, causal in [(1024, 50, 12, False), (1024, 77, 8, True), (1024, 197, 12, False), (256, 257, 16, False), (256, 577, 16, False)]:
        shape = f"B{b} N{n} H{h}" + (" causal" if causal else "")
        bytes_, flops = 4 * b * n * h * 128, 4 * b * h * n * n * 64
        sets = []
        for _ in range(count(bytes_)):
            qkv = randn(b, n, 3, h, 64)
            sets.append(tuple(qkv[:, :, i].transpose(1, 2) for i in range(3)))
        for name, backend in BACKENDS:
            if name == "math" and n > 100:
                continue

            def forward(q, k, v):
                with sdpa_kernel(backend):
                    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)

            case("attention forward", "sdpa " + name, shape, forward, sets, bytes_, flops)
        leaves = [t.contiguous().requires_grad_() for t in sets[0]]
        dy = randn(b, n, h, 64).transpose(1, 2)
        for deterministic in (False, True):
            torch.use_deterministic_algorithms(deterministic, warn_only=True)
            for name, backend in BACKENDS[:3]:
                try:
                    with sdpa_kernel(backend):
                        y = F.scaled_dot_product_attention(*leaves, is_causal=causal)
                except Exception as e:
                    emit(case="attention backward", peer="sdpa " + name, shape=shape, error=str(e)[:200])
                    continue
                case("attention backward", "sdpa " + name + (" deterministic" if deterministic else ""), shape,
                     lambda y=y: torch.autograd.grad(y, leaves, dy, retain_graph=True), [()], 2 * bytes_, flops * 5 // 2)
        torch.use_deterministic_algorithms(False)
    # Packed captions: the lengths of runner.cpp (a linear congruential sequence, 5 .. 24 tokens)
    b, h = 8192, 8
    lengths, state = [], 12345
    for _ in range(b):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        lengths.append(5 + (state >> 16) % 20)
    cu = torch.tensor([0] + lengths, device="cuda").cumsum(0).to(torch.int32)
    total = sum(lengths)
    sets = []
    for _ in range(count(4 * total * h * 128)):
        qkv = randn(total, 3, h, 64)
        sets.append(tuple(qkv[:, i] for i in range(3)))
    case("attention forward", "flash varlen", f"packed {b} sequences {total} tokens H{h} causal",
         lambda q, k, v: torch.ops.aten._flash_attention_forward(q, k, v, cu, cu, max(lengths), max(lengths), 0.0, True, False), sets,
         4 * total * h * 128, sum(4 * h * n * n * 64 for n in lengths))


def norm():
    for rows, width in [(51200, 768), (78848, 512), (65792, 1024)]:
        shape = f"{rows}x{width}"
        w, bias = randn(width, dtype=torch.float32), randn(width, dtype=torch.float32)
        wb, bb = w.bfloat16(), bias.bfloat16()
        sets = [(randn(rows, width), randn(rows, width)) for _ in range(count(8 * rows * width))]

        def add_norm(x, r):
            s = x + r
            return s, F.layer_norm(s, (width,), wb, bb, 1e-5)

        case("layer norm", "F.layer_norm", shape, lambda x, r: F.layer_norm(x, (width,), wb, bb, 1e-5), sets, 4 * rows * width)
        case("layer norm + residual", "eager", shape, add_norm, sets, 8 * rows * width)
        if ARGS.compile:
            case("layer norm + residual", "torch.compile", shape, compiled(add_norm), sets, 8 * rows * width)
    rows, width = 51200, 3072
    bias = randn(width)
    sets = [(randn(rows, width),) for _ in range(count(4 * rows * width))]

    def quick(x):
        y = x + bias
        return y * torch.sigmoid(1.702 * y)

    def gelu(x):
        return F.gelu(x + bias)

    for name, f in (("quick_gelu + bias", quick), ("gelu + bias", gelu)):
        case(name, "eager", f"{rows}x{width}", f, sets, 4 * rows * width)
        if ARGS.compile:
            case(name, "torch.compile", f"{rows}x{width}", compiled(f), sets, 4 * rows * width)


def adamw():
    # ViT-B/32's tensors, roughly: 151 million parameters in 302 tensors
    sizes = [49408 * 512, 77 * 512, 768 * 3072, 50 * 768, 768 * 512, 512 * 512]
    for width, layers in ((768, 12), (512, 12)):
        for _ in range(layers):
            sizes += [3 * width * width, 3 * width, width * width, width, 4 * width * width, 4 * width, 4 * width * width, width] + [width] * 4
    parameters = [torch.randn(n, device="cuda").requires_grad_() for n in sizes]
    for p in parameters:
        p.grad = torch.randn_like(p) * 1e-3
    n = sum(sizes)
    opt = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2, fused=True, capturable=True)
    case("adamw", "torch fused (no bf16 copy)", f"{n} parameters", opt.step, [()], 28 * n)


def conv():
    for c, size, b in [(64, 56, 256), (128, 56, 256), (128, 28, 256), (256, 14, 256), (512, 7, 256)]:
        x_bytes = b * size * size * c * 2
        sets = [(randn(b, c, size, size).to(memory_format=torch.channels_last),) for _ in range(count(2 * x_bytes))]
        w = randn(c, c, 3, 3, scale=1 / math.sqrt(9 * c)).to(memory_format=torch.channels_last)
        bias = randn(c)
        flops = 2 * b * size * size * c * c * 9
        shape = f"B{b} {size}x{size} {c}->{c}"
        with torch.no_grad():
            case("conv3x3", "cudnn", shape, lambda x: F.conv2d(x, w, None, 1, 1), sets, 2 * x_bytes, flops)
            case("conv3x3 + bias + relu", "cudnn eager", shape, lambda x: F.conv2d(x, w, bias, 1, 1).relu_(), sets, 2 * x_bytes, flops)
            case("conv3x3 + bias + relu", "cudnn fused", shape, lambda x: torch.cudnn_convolution_relu(x, w, bias, [1, 1], [1, 1], [1, 1], 1),
                 sets, 2 * x_bytes, flops)


def loss():
    for n, d in [(4096, 512), (32768, 512)]:
        sets = [tuple(F.normalize(randn(n, d, dtype=torch.float32), dim=1).bfloat16().requires_grad_() for _ in range(2))
                for _ in range(1 if n > 10000 else 4)]
        s = torch.tensor(14.3, device="cuda", requires_grad=True)
        target = torch.arange(n, device="cuda")

        def forward(u, t):
            z = s * (u @ t.t()).float()
            return (F.cross_entropy(z, target) + F.cross_entropy(z.t(), target)) / 2

        def both(u, t):
            return torch.autograd.grad(forward(u, t), (u, t, s))

        def no_grad(f):
            def g(*a):
                with torch.no_grad():
                    return f(*a)
            return g

        shape = f"N{n} D{d}"
        case("clip loss forward", "eager", shape, no_grad(forward), sets, 0, 2 * n * n * d, calls=4 if n < 10000 else 1)
        case("clip loss forward + backward", "eager", shape, both, sets, 0, 6 * n * n * d, calls=4 if n < 10000 else 1, graph=False)
        if ARGS.compile:
            f = compiled(forward)
            case("clip loss forward", "torch.compile", shape, no_grad(f), sets, 0, 2 * n * n * d, calls=4 if n < 10000 else 1)
            case("clip loss forward + backward", "torch.compile", shape, lambda u, t: torch.autograd.grad(f(u, t), (u, t, s)), sets, 0,
                 6 * n * n * d, calls=4 if n < 10000 else 1, graph=False)
        torch.cuda.empty_cache()


SECTIONS = dict(ceilings=ceilings, attention=attention, norm=norm, adamw=adamw, conv=conv, loss=loss)
parser = argparse.ArgumentParser()
parser.add_argument("--only", default=",".join(SECTIONS))
parser.add_argument("--no-compile", dest="compile", action="store_false")
parser.add_argument("--seconds", type=float, default=240)
ARGS = parser.parse_args()
emit(gpu=torch.cuda.get_device_name(), torch=torch.__version__, cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version())
for section in ARGS.only.split(","):
    begin = time.time()
    try:
        SECTIONS[section]()
    except Exception as e:
        emit(section=section, error=f"{type(e).__name__}: {str(e)[:300]}")
    torch.cuda.empty_cache()
    print(f"{section}: {time.time() - begin:.1f} s", file=sys.stderr, flush=True)
