// Average pool over vectors of channels; the window in the plain version's order.
#pragma once

#include "ops/avg_pool/avg_pool.h"

namespace jc {

template <class V>
void avg_pool_pixel(const jc_avg_pool_args* a, const float* x, float* y) {
  typename V::Float count = V::set(static_cast<float>(a->kernel * a->kernel));
  for (int64_t c = 0; c < a->channels; c += V::kWidth) {
    int64_t n = a->channels - c < V::kWidth ? a->channels - c : V::kWidth;
    typename V::Float sum = V::zero();
    for (int64_t i = 0; i < a->kernel; ++i) {
      for (int64_t j = 0; j < a->kernel; ++j) {
        const float* at = x + (i * a->width + j) * a->channels + c;
        sum = sum + (n == V::kWidth ? V::load(at) : V::load(at, n));
      }
    }
    n == V::kWidth ? V::store(y + c, sum / count) : V::store(y + c, sum / count, n);
  }
}

template <class V>
int32_t avg_pool_simd(jc_context* context, const jc_avg_pool_args* a) {
  if (int32_t status = check_avg_pool(context, a); status != JC_OK) return status;
  int64_t out_height = a->height / a->kernel;
  int64_t out_width = a->width / a->kernel;
  int64_t threads = a->batch * a->height * a->width * a->channels > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, a->batch * out_height, [=](int64_t task, int64_t) {
    const float* x = a->x + (task / out_height * a->height + task % out_height * a->kernel) * a->width * a->channels;
    float* y = a->y + task * out_width * a->channels;
    for (int64_t column = 0; column < out_width; ++column) {
      avg_pool_pixel<V>(a, x + column * a->kernel * a->channels, y + column * a->channels);
    }
  });
  return JC_OK;
}

}  // namespace jc
