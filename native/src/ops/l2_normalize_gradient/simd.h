// Gradient of rows scaled to unit length, over vectors. Lane structure: index modulo 4 vectors; the length has the bits
// that l2_normalize computes.
#pragma once

#include <cmath>
#include <cstring>

#include "ops/l2_normalize_gradient/l2_normalize_gradient.h"
#include "simd/row.h"

namespace jc {

template <class V>
void l2_normalize_gradient_row(const float* x, const float* dy, float* dx, int64_t width, float epsilon) {
  using Float = typename V::Float;
  auto load = [](const float* p, int64_t n) { return n == V::kWidth ? V::load(p) : V::load(p, n); };
  Float t[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  for_vectors<V>(width, [&](int64_t i, int64_t n, int slot) {
    Float value = load(x + i, n);
    t[slot] = V::fma(value, value, t[slot]);
  });
  float length = std::sqrt(V::sum((t[0] + t[1]) + (t[2] + t[3])));
  bool constant = length < epsilon;
  Float divisor = V::set(constant ? epsilon : length);
  Float s[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  for_vectors<V>(width, [&](int64_t i, int64_t n, int slot) {
    s[slot] = V::fma(load(x + i, n) / divisor, load(dy + i, n), s[slot]);
  });
  Float along = V::set(constant ? 0 : V::sum((s[0] + s[1]) + (s[2] + s[3])));
  for_vectors<V>(width, [&](int64_t i, int64_t n, int) {
    Float value = V::nfma(load(x + i, n) / divisor, along, load(dy + i, n)) / divisor;
    n == V::kWidth ? V::store(dx + i, value) : V::store(dx + i, value, n);
  });
}

template <class V>
int32_t l2_normalize_gradient_simd(jc_context* context, const jc_l2_normalize_gradient_args* a) {
  if (int32_t status = check_l2_normalize_gradient(context, a); status != JC_OK) return status;
  constexpr int64_t kBlock = 8;
  int64_t live = live_rows(a->live, a->rows);
  float epsilon = static_cast<float>(a->epsilon);
  int64_t threads = a->rows * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->rows, kBlock), [=](int64_t block, int64_t) {
    int64_t end = (block + 1) * kBlock < a->rows ? (block + 1) * kBlock : a->rows;
    for (int64_t row = block * kBlock; row < end; ++row) {
      int64_t at = row * a->width;
      if (row < live) {
        l2_normalize_gradient_row<V>(a->x + at, a->dy + at, a->dx + at, a->width, epsilon);
      } else {
        std::memset(a->dx + at, 0, a->width * sizeof(float));
      }
    }
  });
  return JC_OK;
}

}  // namespace jc
