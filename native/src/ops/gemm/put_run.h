// How a source writes its rows into a gathered tile, or into panels.
#pragma once

#include "ops/gemm/gemm.h"

namespace jc {
namespace {

// Where k = [16 chunk, 16 chunk + 16) of row i of `count` rows lies in panels of `Width` columns. A gathered tile is panels of one chunk.
template <int64_t Width>
[[gnu::always_inline]] inline float* chunk_place(float* tile, int64_t count, int64_t i, int64_t chunk) {
  constexpr int64_t kChunks = Width / kChunk;
  return tile + ((chunk / kChunks * count + i) * kChunks + chunk % kChunks) * kChunk;
}

// k = [at, at + n) of row i; from null: zeros.
template <class V, int64_t Width = kChunk>
[[gnu::always_inline]] inline void put_run(float* tile, int64_t count, int64_t i, int64_t at, const float* from,
                                           int64_t n) {
  int64_t chunk = at / kChunk, inside = at % kChunk;
  auto place = [&] { return chunk_place<Width>(tile, count, i, chunk); };
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
