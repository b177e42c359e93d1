// Activation functions over vectors: those of the product's epilogue.
#pragma once

#include "ops/activation/activation.h"
#include "simd/activation.h"

namespace jc {

template <class V, class F>
void activate_all(jc_context* context, const jc_activation_args* a, F&& f) {
  constexpr int64_t kBlock = 8192;  // elements a task
  int64_t threads = a->count > 4 * kBlock ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->count, kBlock), [=](int64_t block, int64_t) {
    int64_t end = (block + 1) * kBlock < a->count ? (block + 1) * kBlock : a->count;
    int64_t i = block * kBlock;
    for (; i + V::kWidth <= end; i += V::kWidth) V::store(a->y + i, f(V::load(a->x + i)));
    if (i == end) return;
    auto rest = V::part(end - i);
    V::store(a->y + i, f(V::load(a->x + i, rest)), rest);
  });
}

template <class V>
int32_t activation_simd(jc_context* context, const jc_activation_args* a) {
  if (int32_t status = check_activation(context, a); status != JC_OK) return status;
  using Float = typename V::Float;
  switch (a->activation) {
    case JC_RELU:
      activate_all<V>(context, a, [](Float x) { return V::max(V::zero(), x); });
      break;
    case JC_QUICK_GELU:
      activate_all<V>(context, a, [](Float x) { return quick_gelu<V>(x); });
      break;
    case JC_GELU:
      activate_all<V>(context, a, [](Float x) { return gelu<V>(x); });
      break;
    default:
      activate_all<V>(context, a, [](Float x) { return x; });
  }
  return JC_OK;
}

}  // namespace jc
