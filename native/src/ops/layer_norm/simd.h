// LayerNorm over vectors. A row is read three times (sum, squares, output), after the first time from the L1 cache;
// four rows share each load of weight and bias. Lane structure: index modulo 4 vectors, whatever the number of rows.
#pragma once

#include <cstring>

#include "ops/layer_norm/layer_norm.h"
#include "simd/intrinsics.h"
#include "simd/row.h"

namespace jc {

// Partial sums of the row, which becomes x + residual in `sum` where there is one.
template <class V, bool kResidual, bool kStore>
typename V::Float row_sums(const float* x, const float* residual, float* sum, int64_t width) {
  typename V::Float t[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  for_vectors<V>(width, [&](int64_t i, int64_t n, int slot) {
    bool whole = n == V::kWidth;
    typename V::Float value = whole ? V::load(x + i) : V::load(x + i, n);
    if constexpr (kResidual) value = value + (whole ? V::load(residual + i) : V::load(residual + i, n));
    if constexpr (kStore) whole ? V::store(sum + i, value) : V::store(sum + i, value, n);
    t[slot] = t[slot] + value;
  });
  return (t[0] + t[1]) + (t[2] + t[3]);
}

// Partial sums of x - mean and of its squares.
template <class V>
void row_deviations(const float* x, float mean, int64_t width, typename V::Float* deviations,
                    typename V::Float* squares) {
  typename V::Float d1[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  typename V::Float d2[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  typename V::Float means = V::set(mean);
  for_vectors<V>(width, [&](int64_t i, int64_t n, int slot) {
    typename V::Float d =
        n == V::kWidth ? V::load(x + i) - means : V::select_first(n, V::load(x + i, n) - means, V::zero());
    d2[slot] = V::fma(d, d, d2[slot]);
    d1[slot] = d1[slot] + d;
  });
  *deviations = (d1[0] + d1[1]) + (d1[2] + d1[3]);
  *squares = (d2[0] + d2[1]) + (d2[2] + d2[3]);
}

// Four rows, or one as if it were four: y = (x - mean) factor + shift, before weight and bias. The mean of x - mean,
// which rounding left out of the mean, is in shift.
template <class V, int kRows>
void layer_norm_rows(const jc_layer_norm_args* a, int64_t row) {
  using Float = typename V::Float;
  constexpr int kLast = kRows - 1;
  const float* base[kRows];
  Float t[kRows], squares[kRows];
  alignas(16) float mean[4], factor[4], shift[4];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    int64_t at = (row + r) * a->width;
    const float* x = a->x + at;
    const float* residual = a->residual != nullptr ? a->residual + at : nullptr;
    // x + residual goes to y where nobody wants it: the output pass reads each element before it writes it.
    float* sum = a->sum != nullptr ? a->sum + at : a->y + at;
    t[r] = residual != nullptr ? row_sums<V, true, true>(x, residual, sum, a->width)
           : a->sum != nullptr ? row_sums<V, false, true>(x, residual, sum, a->width)
                               : row_sums<V, false, false>(x, residual, sum, a->width);
    base[r] = residual != nullptr || a->sum != nullptr ? sum : x;
  }
  __m128 count = _mm_set1_ps(static_cast<float>(a->width));
  _mm_store_ps(mean, V::sum4(t[0], t[1 % kRows], t[2 % kRows], t[kLast]) / count);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) row_deviations<V>(base[r], mean[r], a->width, &t[r], &squares[r]);
  __m128 rest = V::sum4(t[0], t[1 % kRows], t[2 % kRows], t[kLast]) / count;
  __m128 variance = V::sum4(squares[0], squares[1 % kRows], squares[2 % kRows], squares[kLast]) / count - rest * rest;
  variance = _mm_max_ps(_mm_setzero_ps(), variance) + _mm_set1_ps(static_cast<float>(a->epsilon));
  __m128 factors = _mm_set1_ps(1.0f) / _mm_sqrt_ps(variance);
  _mm_store_ps(factor, factors);
  _mm_store_ps(shift, _mm_setzero_ps() - rest * factors);
  float* y = a->y + row * a->width;
  auto output = [&](int64_t i, int64_t n) {
    bool whole = n == V::kWidth;
    Float weight = whole ? V::load(a->weight + i) : V::load(a->weight + i, n);
    Float bias = whole ? V::load(a->bias + i) : V::load(a->bias + i, n);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      Float d = (whole ? V::load(base[r] + i) : V::load(base[r] + i, n)) - V::set(mean[r]);
      Float value = V::fma(V::fma(d, V::set(factor[r]), V::set(shift[r])), weight, bias);
      whole ? V::store(y + r * a->width + i, value) : V::store(y + r * a->width + i, value, n);
    }
  };
  int64_t i = 0;
  for (; i + V::kWidth <= a->width; i += V::kWidth) output(i, V::kWidth);
  if (i < a->width) output(i, a->width - i);
}

template <class V>
int32_t layer_norm_simd(jc_context* context, const jc_layer_norm_args* a) {
  if (int32_t status = check_layer_norm(context, a); status != JC_OK) return status;
  constexpr int64_t kBlock = 8;  // rows a task
  int64_t live = live_rows(a->live, a->rows);
  int64_t threads = a->rows * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->rows, kBlock), [=](int64_t block, int64_t) {
    int64_t row = block * kBlock;
    int64_t end = row + kBlock < a->rows ? row + kBlock : a->rows;
    int64_t last = end < live ? end : live;
    for (; row + 4 <= last; row += 4) layer_norm_rows<V, 4>(a, row);
    for (; row < last; ++row) layer_norm_rows<V, 1>(a, row);
    if (row < end) {
      std::memset(a->y + row * a->width, 0, (end - row) * a->width * sizeof(float));
      if (a->sum != nullptr) std::memset(a->sum + row * a->width, 0, (end - row) * a->width * sizeof(float));
    }
  });
  return JC_OK;
}

}  // namespace jc
