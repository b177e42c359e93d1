// How a source writes its rows into a gathered tile, or into panels.
#pragma once

#include "ops/gemm/gemm.h"

namespace jc {
namespace {

// k = [at, at + n) of row i of `count` rows in panels of `Width` columns; from null: zeros. A gathered tile is panels of one chunk each.
template <class V, int64_t Width = kChunk>
[[gnu::always_inline]] inline void put_run(float* tile, int64_t count, int64_t i, int64_t at, const float* from,
                                           int64_t n) {
  constexpr int64_t kChunks = Width / kChunk;
  int64_t chunk = at / kChunk, inside = at % kChunk;
  auto place = [&] { return tile + ((chunk / kChunks * count + i) * kChunks + chunk % kChunks) * kChunk; };
  auto put = [&](float* to, int64_t part) {
    from != nullptr ? V::copy_part(to, from, part) : V::zero_part(to, part);
    if (from != nullptr) from += part;
    n -= part;
  };
  if (inside != 0) {
    put(place() + inside, kChunk - inside < n ? kChunk - inside : n);
    ++chunk;
  }
  for (; n >= kChunk; n -= kChunk, ++chunk) {
    if (from != nullptr) {
      V::copy_chunk(place(), from);
      from += kChunk;
    } else {
      V::zero_chunk(place());
    }
  }
  if (n > 0) put(place(), n);
}

}  // namespace
}  // namespace jc
