// How a source writes its rows into a gathered tile.
#pragma once

#include "ops/gemm/gemm.h"

namespace jc {
namespace {

// k = [at, at + n) of row i of a tile of `count` rows; from null: zeros.
template <class V>
[[gnu::always_inline]] inline void put_run(float* tile, int64_t count, int64_t i, int64_t at, const float* from,
                                           int64_t n) {
  auto put = [&](float* to, int64_t part) {
    from != nullptr ? V::copy_part(to, from, part) : V::zero_part(to, part);
    if (from != nullptr) from += part;
    n -= part;
  };
  int64_t inside = at & (kChunk - 1);
  float* to = tile + ((at - inside) * count + i * kChunk);
  if (inside != 0) {
    put(to + inside, kChunk - inside < n ? kChunk - inside : n);
    to += count * kChunk;
  }
  for (; n >= kChunk; n -= kChunk, to += count * kChunk) {
    if (from != nullptr) {
      V::copy_chunk(to, from);
      from += kChunk;
    } else {
      V::zero_chunk(to);
    }
  }
  if (n > 0) put(to, n);
}

}  // namespace
}  // namespace jc
