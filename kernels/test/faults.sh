#!/bin/sh
# Plants one fault of test/faults.txt after the other in a copy of its source; the operator's checks must fail each time.
# faults.sh COMPILER FLAGS [PATTERN], from the folder above, after the plain build; PATTERN chooses lines of faults.txt
set -eu
work=build/faults
rm -rf $work
mkdir -p $work/native
ln -s "$PWD/../native/include" $work/native/include
count=0
missed=0
grep -v '^#' test/faults.txt | grep -e "${3:-}" | {
  while read -r file op fault; do
    rm -rf $work/kernels
    mkdir $work/kernels
    cp -r emu include ./*.cu ./*.cuh $work/kernels/
    sed -i "$fault" "$work/kernels/$file"
    if cmp -s "$file" "$work/kernels/$file"; then
      echo "no longer applies: $file $fault"
      missed=$((missed + 1))
      continue
    fi
    unit=$file
    if [ "$file" = attention.cuh ]; then unit=attention.cu; fi
    name=$(basename "$unit" .cu)
    $1 $2 -Wno-error -w -x c++ -c "$work/kernels/$unit" -o "$work/$name.o"
    objects=$(find build/plain -name '*.o' ! -name "$name.o" ! -name emulator_test.o)
    $1 $objects "$work/$name.o" -o $work/runner
    count=$((count + 1))
    if $work/runner check "$op" > $work/log.jsonl 2>&1; then
      echo "not noticed: $file $fault"
      missed=$((missed + 1))
    fi
    rm -f "$work/$name.o"
  done
  echo "$count faults planted, $missed missed"
  [ $missed = 0 ]
}
