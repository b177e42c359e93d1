#!/usr/bin/env bash
# Builds libjclip.so: build.sh BUILD_DIR OUTPUT_DIR. Called by Maven; works by hand as well.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
output=$2

need() {
  command -v "$1" >/dev/null && return
  echo "jclip: '$1' is missing; it is needed to build the native library. Install it:  sudo apt-get install $2" >&2
  exit 1
}
need cmake cmake
need g++ g++
need make make

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  echo "jclip: the native library is written for Linux on x86-64; this is $(uname -s) on $(uname -m)." >&2
  exit 1
fi
cmake -S "$here" -B "$build" -DCMAKE_BUILD_TYPE=Release -DJCLIP_TESTS=ON >"$build.log" 2>&1 || { cat "$build.log" >&2; exit 1; }
cmake --build "$build" --parallel "$(nproc)" >>"$build.log" 2>&1 || { cat "$build.log" >&2; exit 1; }
mkdir -p "$output"
cp "$build/libjclip.so" "$output/"
