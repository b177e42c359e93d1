// LayerNorm over vectors. A row is read three times (sum, squares, output), after the first time from the L1 cache; four rows
// share each load of weight and bias. Lane structure: index modulo 4 vectors, whatever the number of rows.
#pragma once

#include <cmath>
#include <cstring>

#include "ops/layer_norm/layer_norm.h"
#include "simd/row.h"

namespace jc {

struct RowStatistics {
  float mean;
  float rest;  // what rounding left out of the mean: the mean of x - mean
  float inverse;
};

// Sum of the row, which becomes x + residual in `sum` where there is one.
template <class V, bool kResidual, bool kStore>
float row_sum(const float* x, const float* residual, float* sum, int64_t width) {
  typename V::Float t[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  for_vectors<V>(width, [&](int64_t i, int64_t n, int slot) {
    bool whole = n == V::kWidth;
    typename V::Float value = whole ? V::load(x + i) : V::load(x + i, n);
    if constexpr (kResidual) value = value + (whole ? V::load(residual + i) : V::load(residual + i, n));
    if constexpr (kStore) whole ? V::store(sum + i, value) : V::store(sum + i, value, n);
    t[slot] = t[slot] + value;
  });
  return V::sum((t[0] + t[1]) + (t[2] + t[3]));
}

template <class V>
RowStatistics row_statistics(const float* x, float mean, float epsilon, int64_t width) {
  typename V::Float squares[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  typename V::Float rests[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  typename V::Float means = V::set(mean);
  for_vectors<V>(width, [&](int64_t i, int64_t n, int slot) {
    typename V::Float d = n == V::kWidth ? V::load(x + i) - means : V::select_first(n, V::load(x + i, n) - means, V::zero());
    squares[slot] = V::fma(d, d, squares[slot]);
    rests[slot] = rests[slot] + d;
  });
  float count = static_cast<float>(width);
  float rest = V::sum((rests[0] + rests[1]) + (rests[2] + rests[3])) / count;
  float variance = V::sum((squares[0] + squares[1]) + (squares[2] + squares[3])) / count - rest * rest;
  if (variance < 0) variance = 0;
  return {mean, rest, 1.0f / std::sqrt(variance + epsilon)};
}

template <class V, int kRows>
void layer_norm_rows(const jc_layer_norm_args* a, int64_t row) {
  const float* base[kRows];
  RowStatistics of[kRows];
  float epsilon = static_cast<float>(a->epsilon);
  for (int r = 0; r < kRows; ++r) {
    int64_t at = (row + r) * a->width;
    const float* x = a->x + at;
    const float* residual = a->residual != nullptr ? a->residual + at : nullptr;
    // x + residual goes to y where nobody wants it: the output pass reads each element before it writes it.
    float* sum = a->sum != nullptr ? a->sum + at : a->y + at;
    float total = residual != nullptr ? row_sum<V, true, true>(x, residual, sum, a->width)
                  : a->sum != nullptr ? row_sum<V, false, true>(x, residual, sum, a->width)
                                      : row_sum<V, false, false>(x, residual, sum, a->width);
    base[r] = residual != nullptr || a->sum != nullptr ? sum : x;
    of[r] = row_statistics<V>(base[r], total / static_cast<float>(a->width), epsilon, a->width);
  }
  float* y = a->y + row * a->width;
  auto output = [&](int64_t i, int64_t n) {
    bool whole = n == V::kWidth;
    typename V::Float weight = whole ? V::load(a->weight + i) : V::load(a->weight + i, n);
    typename V::Float bias = whole ? V::load(a->bias + i) : V::load(a->bias + i, n);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      typename V::Float d = (whole ? V::load(base[r] + i) : V::load(base[r] + i, n)) - V::set(of[r].mean) - V::set(of[r].rest);
      typename V::Float value = V::fma(d * V::set(of[r].inverse), weight, bias);
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
