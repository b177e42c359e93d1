"""One peer as a process: answers each line "go SECONDS" with the median seconds of one call in that time. One thread is timed by its own
clock, so that a busy machine disturbs less; several by the wall clock.

usage: towers.py ENGINE TOWER BATCH THREADS      ENGINE torch or onnxruntime; TOWER ViT-B-32/image, ViT-B-32/text or RN50/image
Weights are random: shapes decide the time.
"""
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")
engine, tower, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.environ["OMP_NUM_THREADS"] = str(threads)

import torch

torch.set_num_threads(threads)
torch.set_grad_enabled(False)


def without_torchvision_operators():
    """The CPU wheel of torchvision may lack its compiled operators; open_clip needs none of them."""
    register = torch.library.register_fake

    def register_fake(name, *args, **kwargs):
        if isinstance(name, str) and name.startswith("torchvision::"):
            return lambda function: function
        return register(name, *args, **kwargs)

    torch.library.register_fake = register_fake


without_torchvision_operators()
import open_clip  # noqa: E402

name, which = tower.split("/")
model = open_clip.create_model(name, pretrained=None, force_quick_gelu=True).eval()
if which == "image":
    inputs = torch.randn(batch, 3, 224, 224)
    module = model.visual
else:
    inputs = torch.randint(1, 49000, (batch, 77))
    inputs[:, -1] = 49407  # the end token is the last: nothing to cut

    class Text(torch.nn.Module):
        def forward(self, tokens):
            return model.encode_text(tokens)

    module = Text()
    module.model = model


def torch_call():
    features = module(inputs)
    return features / features.norm(dim=-1, keepdim=True)


def onnx_call():
    import io

    import onnxruntime

    torch.backends.mha.set_fastpath_enabled(False)  # the exporter does not know torch's fused attention
    file = io.BytesIO()
    torch.onnx.export(module.eval(), (inputs,), file, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    values = {"x": inputs.numpy()}
    return lambda: session.run(None, values)


call = torch_call if engine == "torch" else onnx_call()
call()
call()
version = torch.__version__ if engine == "torch" else __import__("onnxruntime").__version__
print("ready", engine, version, flush=True)
clock = time.thread_time if threads == 1 else time.perf_counter
for line in sys.stdin:
    end = time.perf_counter() + float(line.split()[1])
    times = []
    while not times or time.perf_counter() < end:
        start = clock()
        call()
        times.append(clock() - start)
    times.sort()
    print(times[len(times) // 2], flush=True)
