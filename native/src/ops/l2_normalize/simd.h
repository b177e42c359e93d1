// Rows scaled to unit length, over vectors. Lane structure: index modulo 4 vectors.
#pragma once

#include <cmath>
#include <cstring>

#include "ops/l2_normalize/l2_normalize.h"
#include "simd/row.h"

namespace jc {

template <class V>
void l2_normalize_row(const float* x, float* y, int64_t width, float epsilon) {
  typename V::Float t[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  for_vectors<V>(width, [&](int64_t i, int64_t n, int slot) {
    typename V::Float value = n == V::kWidth ? V::load(x + i) : V::load(x + i, n);
    t[slot] = V::fma(value, value, t[slot]);
  });
  float length = std::sqrt(V::sum((t[0] + t[1]) + (t[2] + t[3])));
  typename V::Float divisor = V::set(length < epsilon ? epsilon : length);
  for_vectors<V>(width, [&](int64_t i, int64_t n, int) {
    if (n == V::kWidth) {
      V::store(y + i, V::load(x + i) / divisor);
    } else {
      V::store(y + i, V::load(x + i, n) / divisor, n);
    }
  });
}

template <class V>
int32_t l2_normalize_simd(jc_context* context, const jc_l2_normalize_args* a) {
  if (int32_t status = check_l2_normalize(context, a); status != JC_OK) return status;
  constexpr int64_t kBlock = 8;
  int64_t live = live_rows(a->live, a->rows);
  float epsilon = static_cast<float>(a->epsilon);
  int64_t threads = a->rows * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->rows, kBlock), [=](int64_t block, int64_t) {
    int64_t end = (block + 1) * kBlock < a->rows ? (block + 1) * kBlock : a->rows;
    for (int64_t row = block * kBlock; row < end; ++row) {
      if (row < live) {
        l2_normalize_row<V>(a->x + row * a->width, a->y + row * a->width, a->width, epsilon);
      } else {
        std::memset(a->y + row * a->width, 0, a->width * sizeof(float));
      }
    }
  });
  return JC_OK;
}

}  // namespace jc
