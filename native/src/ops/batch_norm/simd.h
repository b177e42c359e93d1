// BatchNorm over vectors of channels: the factor of a vector of channels stays in registers for a block of rows.
#pragma once

#include "ops/batch_norm/batch_norm.h"

namespace jc {

template <class V>
void batch_norm_channels(const jc_batch_norm_args* a, int64_t c, int64_t n, int64_t first, int64_t last) {
  constexpr int64_t kLanes = V::kWidth;
  typename V::Float epsilon = V::set(static_cast<float>(a->epsilon));
  typename V::Float weight = V::load(a->weight + c, n);
  typename V::Float bias = V::load(a->bias + c, n);
  typename V::Float mean = V::load(a->mean + c, n);
  typename V::Float factor = weight / V::sqrt(V::select_first(n, V::load(a->variance + c, n), V::set(1.0f)) + epsilon);
  for (int64_t row = first; row < last; ++row) {
    int64_t at = row * a->channels + c;
    typename V::Float x = n == kLanes ? V::load(a->x + at) : V::load(a->x + at, n);
    typename V::Float y = V::fma(x - mean, factor, bias);
    n == kLanes ? V::store(a->y + at, y) : V::store(a->y + at, y, n);
  }
}

template <class V>
int32_t batch_norm_simd(jc_context* context, const jc_batch_norm_args* a) {
  if (int32_t status = check_batch_norm(context, a); status != JC_OK) return status;
  // 8192 elements a task fit the L1 cache: each line of a row comes once, though a vector of channels at a time is
  // taken.
  int64_t block = ceil_div(8192, a->channels);
  if (block < 4) block = 4;
  int64_t threads = a->rows * a->channels > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->rows, block), [=](int64_t task, int64_t) {
    int64_t first = task * block;
    int64_t last = first + block < a->rows ? first + block : a->rows;
    for (int64_t c = 0; c < a->channels; c += V::kWidth) {
      batch_norm_channels<V>(a, c, a->channels - c < V::kWidth ? a->channels - c : V::kWidth, first, last);
    }
  });
  return JC_OK;
}

}  // namespace jc
