#!/bin/sh
# Everything that needs a GPU, in one go and within a time limit: build, checks, compute-sanitizer, ceilings, timings, PyTorch beside them.
#
#   bench/gpu_check.sh OUT [SECONDS]        from kernels/; OUT gets the JSON lines; SECONDS (default 480) is kept by stopping early
#
# Leaves clocks and power as they are. The exit status counts failed checks only; a part that ran out of time says so in OUT/log.
set -u
out=$1
limit=${2:-480}
start=$(date +%s)
mkdir -p "$out"
left() { echo $((limit - $(date +%s) + start)); }
say() { echo "[$(($(date +%s) - start)) s] $*" | tee -a "$out/log"; }
part() {  # part NAME SHARE FILE COMMAND...: at most SHARE seconds, and never beyond the limit
  name=$1; share=$2; file=$3; shift 3
  now=$(left)
  [ "$now" -lt "$share" ] && share=$now
  if [ "$share" -lt 5 ]; then say "$name: no time left"; return 1; fi
  timeout "$share" "$@" > "$out/$file" 2>> "$out/log"
  code=$?
  say "$name: status $code"
  return $code
}
nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,power.limit,temperature.gpu --format=csv > "$out/gpu.csv" 2>&1
nvcc --version > "$out/nvcc.txt" 2>&1
part build 150 build.txt make -j8 gpu || { cat "$out/build.txt"; exit 1; }
bad=0
part "checks" 90 check.jsonl build/gpu/runner check || bad=1
grep '"ok":false' "$out/check.jsonl"
part "ceilings" 40 ceilings.jsonl build/gpu/ceilings
part "PyTorch: ceilings" 60 peers_ceilings.jsonl python3 bench/peers.py --only ceilings
copy=$(sed -n 's/.*"ceiling":"copy kernel.*"tbs":\([0-9.]*\).*/\1/p' "$out/ceilings.jsonl" | sort -n | tail -1)
gemm=$(sed -n 's/.*"case": "ceiling gemm".*"tflops": \([0-9.]*\).*/\1/p' "$out/peers_ceilings.jsonl")
say "ceilings: copy ${copy:-unknown} TB/s, bf16 GEMM ${gemm:-unknown} TFLOP/s"
part "timings" 120 time.jsonl build/gpu/runner time --copy "${copy:-0}" --gemm "${gemm:-0}"
part "checks of the timed shapes" 120 large.jsonl build/gpu/runner large || bad=1
for tool in memcheck racecheck initcheck; do
  part "compute-sanitizer $tool" 40 "$tool.txt" compute-sanitizer --tool $tool --error-exitcode 9 build/gpu/runner check --quick conv3x3_bf16
  part "compute-sanitizer $tool" 40 "$tool.attention.txt" compute-sanitizer --tool $tool --error-exitcode 9 build/gpu/runner check --quick attention_bf16
done
part "PyTorch" "$(left)" peers.jsonl python3 bench/peers.py --seconds "$(($(left) - 15))" --only attention,norm,conv,adamw,loss
nvidia-smi --query-gpu=clocks.sm,clocks.mem,temperature.gpu --format=csv >> "$out/gpu.csv" 2>&1
say "done"
exit $bad
