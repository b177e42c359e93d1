// A row cut into vectors.
#pragma once

#include <cstdint>

namespace jc {

// f(i, n, slot): the n elements from i on belong to accumulator `slot`. Whole vectors have n == lanes.
template <class V, class F>
inline void for_vectors(int64_t width, F&& f) {
  constexpr int64_t kLanes = V::kWidth;
  int64_t i = 0;
  for (; i + 4 * kLanes <= width; i += 4 * kLanes) {
    f(i, kLanes, 0);
    f(i + kLanes, kLanes, 1);
    f(i + 2 * kLanes, kLanes, 2);
    f(i + 3 * kLanes, kLanes, 3);
  }
#pragma GCC unroll 4
  for (int slot = 0; slot < 4; ++slot, i += kLanes) {  // unrolled, or the accumulators would live in memory
    if (i < width) f(i, width - i < kLanes ? width - i : kLanes, slot);
  }
}

}  // namespace jc
