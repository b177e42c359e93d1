// How a source writes its rows into a gathered tile.
#pragma once

#include "ops/gemm/gemm.h"

namespace jc {
namespace {

// k = [at, at + n) of row i of a tile of `count` rows; from null: zeros.
template <class V>
void put_run(float* tile, int64_t count, int64_t i, int64_t at, const float* from, int64_t n) {
  while (n > 0) {
    float* to = tile + (at / kChunk * count + i) * kChunk + at % kChunk;
    int64_t part = kChunk - at % kChunk < n ? kChunk - at % kChunk : n;
    if (part == kChunk) {
      from != nullptr ? V::copy_chunk(to, from) : V::zero_chunk(to);
    } else {
      from != nullptr ? V::copy_part(to, from, part) : V::zero_part(to, part);
    }
    at += part;
    n -= part;
    if (from != nullptr) from += part;
  }
}

}  // namespace
}  // namespace jc
