"""Towers of jclip and of its peers, side by side: all are started, then measured in turns, so that whatever disturbs disturbs all.

usage: compare.py [--seconds 1] [--rounds 5] [--towers A,B] [--batches 1,8,32] [--threads 1,2] [--engines torch,onnxruntime]
                  [--name peers]
Run by a Python that has torch, open_clip_torch, onnx and onnxruntime (README.md). Prints, and writes results/<machine kind>/peers.{md,json}.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BENCH = HERE.parent


class Contender:
    """A process that answers "go SECONDS" with the median seconds of one call."""

    def __init__(self, engine, command):
        self.engine = engine
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        while line and not line.startswith("ready"):
            line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{engine} did not start: {' '.join(command)}")
        self.version = line.split()[2]

    def go(self, seconds):
        self.process.stdin.write(f"go {seconds}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start(engine, tower, batch, threads):
    words = [tower, str(batch), str(threads)]
    if engine == "jclip":
        return Contender(engine, [str(BENCH / "java"), "TowerProcess", *words])
    return Contender(engine, [sys.executable, str(HERE / "towers.py"), engine, *words])


def quartiles(values):
    values = sorted(values)
    n = len(values)
    return values[n // 2], values[n // 4], values[n - 1 - n // 4]


def measure(tower, batch, threads, engines, arguments):
    contenders = [start(engine, tower, batch, threads) for engine in ["jclip", *engines]]
    times = {c.engine: [] for c in contenders}
    for _ in range(arguments.rounds):
        for contender in contenders:
            times[contender.engine].append(contender.go(arguments.seconds))
    versions = {c.engine: c.version for c in contenders}
    for contender in contenders:
        contender.close()
    row = {"tower": tower, "batch": batch, "threads": threads, "versions": versions, "milliseconds": {}, "ratio": {}}
    for engine, values in times.items():
        row["milliseconds"][engine] = [round(1e3 * v, 3) for v in quartiles(values)]
        if engine != "jclip":
            ratios = [theirs / ours for theirs, ours in zip(values, times["jclip"])]
            row["ratio"][engine] = [round(v, 3) for v in quartiles(ratios)]
    return row


def show(values, unit=""):
    return f"{values[0]:.2f}{unit} [{values[1]:.2f}, {values[2]:.2f}]"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--towers", default="ViT-B-32/image,RN50/image,ViT-B-32/text")
    parser.add_argument("--batches", default="1,8,32")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--engines", default="torch,onnxruntime")
    parser.add_argument("--name", default="peers", help="of the result's files")
    arguments = parser.parse_args()
    engines = arguments.engines.split(",")
    kind = subprocess.run([str(BENCH / "java"), "MachineKind"], capture_output=True, text=True, check=True).stdout.split()
    head = {
        "machine": kind[0],
        "commit": kind[1],
        "command": "bench/peers/compare.py " + " ".join(sys.argv[1:]),
        "date": datetime.date.today().isoformat(),
    }
    rows = []
    header = f"| tower | batch | threads | jclip ms | {' | '.join(e + ' ms' for e in engines)} | {' | '.join(e + ' / jclip' for e in engines)} |"
    lines = [header, "|" + "---|" * (4 + 2 * len(engines))]
    print("\n".join(lines))
    for tower in arguments.towers.split(","):
        for batch in map(int, arguments.batches.split(",")):
            for threads in map(int, arguments.threads.split(",")):
                row = measure(tower, batch, threads, engines, arguments)
                rows.append(row)
                times = " | ".join(show(row["milliseconds"][e]) for e in ["jclip", *engines])
                ratios = " | ".join(show(row["ratio"][e]) for e in engines)
                lines.append(f"| {tower} | {batch} | {threads} | {times} | {ratios} |")
                print(lines[-1], flush=True)
    head["load average at the end"] = os.getloadavg()[0]
    head["versions"] = rows[0]["versions"]
    folder = BENCH / "results" / head["machine"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{arguments.name}.json").write_text(json.dumps({**head, "rows": rows}, indent=1) + "\n")
    text = ["# Towers side by side with torch and onnxruntime", ""]
    text += [f"- {key}: {value}" for key, value in head.items()]
    text += ["", f"Milliseconds of one call and ratios (above 1: jclip is faster): median and quartiles of {arguments.rounds} rounds in turns of",
             f"{arguments.seconds} s each; one thread by its own clock, two by the wall clock. Texts fill all 77 tokens, so the cut at the end token saves nothing here.", ""]
    (folder / f"{arguments.name}.md").write_text("\n".join(text + lines) + "\n")


if __name__ == "__main__":
    main()
