#!/usr/bin/env python3
"""Compares the compiler's resource reports (ptxas -v, one log a source and architecture) with the checked-in budgets.

    budgets.py LOGS BUDGETS [--write]

A line of BUDGETS: architecture, registers at most, kernel. No kernel may spill, use a stack, or be missing on either side.
"""
import pathlib
import re
import subprocess
import sys


def read(logs):
    found = {}
    for path in sorted(logs.glob("*.log")):
        source, arch = path.name.split(".")[:2]
        name = stack = spill = None
        for line in path.read_text().splitlines():
            if m := re.search(r"Compiling entry function '(\S+)' for", line):
                name = m.group(1)
            elif m := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
                stack, spill = int(m.group(1)), int(m.group(2)) + int(m.group(3))
            elif m := re.search(r"Used (\d+) registers", line):
                found[arch, source, name] = (int(m.group(1)), stack, spill)
    names = subprocess.run(["c++filt"], input="\n".join(k[2] for k in found), text=True, capture_output=True, check=True).stdout.split("\n")
    result = {}
    for (arch, source, _), demangled, values in zip(found, names, found.values()):
        name = demangled.split("(anonymous namespace)::")[1].replace("(int)", "").replace("(bool)1", "true").replace("(bool)0", "false")
        kernel = re.match(r"\w+(<[^()]*>)?", name).group(0)
        result[f"sm_{arch}", source + ":" + kernel.replace(" ", "")] = values
    return result


def main():
    logs, path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    found = read(logs)
    if "--write" in sys.argv:
        lines = [f"{arch:7} {values[0]:4}  {kernel}" for (arch, kernel), values in sorted(found.items(), key=lambda i: (i[0][1], i[0][0]))]
        path.write_text("# Written by test/budgets.py --write: registers a thread at most. Spills and stack frames: none anywhere.\n" + "\n".join(lines) + "\n")
    budgets = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            arch, registers, kernel = line.split()
            budgets[arch, kernel] = int(registers)
    trouble = [f"{a} {k}: not in {path}" for a, k in found if (a, k) not in budgets] + [f"{a} {k}: not compiled" for a, k in budgets if (a, k) not in found]
    for (arch, kernel), (registers, stack, spill) in found.items():
        if stack or spill:
            trouble.append(f"{arch} {kernel}: {stack} bytes of stack, {spill} bytes spilled")
        if registers > budgets.get((arch, kernel), 255):
            trouble.append(f"{arch} {kernel}: {registers} registers, budget {budgets[arch, kernel]}")
    print("\n".join(trouble) if trouble else f"{len(found)} kernels within their budgets, none spills")
    return 1 if trouble else 0


sys.exit(main())
