#!/usr/bin/env bash
# Builds libbench.so, the measured ceilings: build.sh OUTPUT_DIR. Called by Maven.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=$1

command -v g++ >/dev/null || {
  echo "jclip bench: 'g++' is missing; it is needed to measure the machine's ceilings. Install it:  sudo apt-get install g++" >&2
  exit 1
}
mkdir -p "$output"
[ "$output/libbench.so" -nt "$here/ceiling.cpp" ] && exit 0
g++ -std=c++20 -O3 -fPIC -shared -fvisibility=hidden -fno-exceptions -Wall -Wextra -Werror "$here/ceiling.cpp" -o "$output/libbench.so" -pthread
