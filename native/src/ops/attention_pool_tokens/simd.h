// Tokens of the attention pool over vectors of channels: one pass, pixels in index order.
#pragma once

#include "ops/attention_pool_tokens/attention_pool_tokens.h"

namespace jc {

template <class V>
void pool_tokens_channels(const jc_attention_pool_tokens_args* a, int64_t picture, int64_t c, int64_t n) {
  const float* x = a->x + picture * a->pixels * a->channels + c;
  const float* positional = a->positional + c;
  float* y = a->y + picture * (1 + a->pixels) * a->channels + c;
  typename V::Float sum = V::zero();
  for (int64_t p = 0; p < a->pixels; ++p) {
    int64_t at = (1 + p) * a->channels;
    typename V::Float value = n == V::kWidth ? V::load(x + p * a->channels) : V::load(x + p * a->channels, n);
    typename V::Float position = n == V::kWidth ? V::load(positional + at) : V::load(positional + at, n);
    sum = sum + value;
    n == V::kWidth ? V::store(y + at, value + position) : V::store(y + at, value + position, n);
  }
  V::store(y, sum / V::set(static_cast<float>(a->pixels)) + V::load(positional, n), n);
}

template <class V>
int32_t attention_pool_tokens_simd(jc_context* context, const jc_attention_pool_tokens_args* a) {
  if (int32_t status = check_attention_pool_tokens(context, a); status != JC_OK) return status;
  constexpr int64_t kBlock = 256;  // channels a task
  int64_t blocks = ceil_div(a->channels, kBlock);
  int64_t threads = a->batch * a->pixels * a->channels > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, a->batch * blocks, [=](int64_t task, int64_t) {
    int64_t first = task % blocks * kBlock;
    int64_t last = first + kBlock < a->channels ? first + kBlock : a->channels;
    for (int64_t c = first; c < last; c += V::kWidth) {
      pool_tokens_channels<V>(a, task / blocks, c, last - c < V::kWidth ? last - c : V::kWidth);
    }
  });
  return JC_OK;
}

}  // namespace jc
