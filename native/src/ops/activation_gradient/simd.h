// Gradients of the activation functions over vectors.
#pragma once

#include "ops/activation_gradient/activation_gradient.h"
#include "simd/activation.h"

namespace jc {

template <class V, class F>
void activation_slopes(jc_context* context, const jc_activation_gradient_args* a, F&& f) {
  constexpr int64_t kBlock = 8192;  // elements a task
  int64_t threads = a->count > 4 * kBlock ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->count, kBlock), [=](int64_t block, int64_t) {
    int64_t end = (block + 1) * kBlock < a->count ? (block + 1) * kBlock : a->count;
    int64_t i = block * kBlock;
    // Two at a time: a slope is one long chain of dependent instructions.
    for (; i + 2 * V::kWidth <= end; i += 2 * V::kWidth) {
      auto first = f(V::load(a->x + i), V::load(a->dy + i));
      auto second = f(V::load(a->x + i + V::kWidth), V::load(a->dy + i + V::kWidth));
      V::store(a->dx + i, first);
      V::store(a->dx + i + V::kWidth, second);
    }
    for (; i < end; i += V::kWidth) {
      auto rest = V::part(end - i);
      V::store(a->dx + i, f(V::load(a->x + i, rest), V::load(a->dy + i, rest)), rest);
    }
  });
}

template <class V>
int32_t activation_gradient_simd(jc_context* context, const jc_activation_gradient_args* a) {
  if (int32_t status = check_activation_gradient(context, a); status != JC_OK) return status;
  using Float = typename V::Float;
  switch (a->activation) {
    case JC_RELU:
      activation_slopes<V>(context, a, [](Float x, Float dy) { return V::if_negative(V::negate(x), dy, V::zero()); });
      break;
    case JC_QUICK_GELU:
      activation_slopes<V>(context, a, [](Float x, Float dy) { return V::mul(quick_gelu_slope<V>(x), dy); });
      break;
    case JC_GELU:
      activation_slopes<V>(context, a, [](Float x, Float dy) { return V::mul(gelu_slope<V>(x), dy); });
      break;
    default:
      activation_slopes<V>(context, a, [](Float, Float dy) { return dy; });
  }
  return JC_OK;
}

}  // namespace jc
