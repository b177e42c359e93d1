// AdamW over vectors: 16 bytes read and 12 written an element, so memory is its ceiling.
#pragma once

#include "ops/adamw/adamw.h"

namespace jc {

template <class V>
void adamw_span(const jc_adamw_args* a, const AdamFactors& f, int64_t first, int64_t last) {
  using Float = typename V::Float;
  Float beta1 = V::set(f.beta1.high), beta1_low = V::set(f.beta1.low);
  Float beta2 = V::set(f.beta2.high), beta2_low = V::set(f.beta2.low);
  Float clip = V::set(f.clip), of_g = V::set(f.of_g), of_root = V::set(f.of_root), of_v = V::set(f.of_v);
  Float shrink = V::set(f.shrink), rate = V::set(f.rate), epsilon = V::set(f.epsilon);
  auto update = [&](int64_t i, int64_t n) {
    bool whole = n == V::kWidth;
    auto load = [=](const float* x) { return whole ? V::load(x + i) : V::load(x + i, n); };
    auto store = [=](float* x, Float value) { whole ? V::store(x + i, value) : V::store(x + i, value, n); };
    Float g = load(a->g) * clip, m = load(a->m), v = load(a->v), p = load(a->p);
    Float root = of_root * g;
    m = V::fma(beta1, m, V::fma(beta1_low, m, of_g * g));
    v = V::fma(beta2, v, V::fma(beta2_low, v, root * root));
    Float step = m / V::fma(V::sqrt(v), of_v, epsilon);
    store(a->m, m);
    store(a->v, v);
    store(a->p, p - V::fma(shrink, p, rate * step));
  };
  int64_t i = first;
  for (; i + V::kWidth <= last; i += V::kWidth) update(i, V::kWidth);
  if (i < last) update(i, last - i);
}

template <class V>
int32_t adamw_simd(jc_context* context, const jc_adamw_args* a) {
  if (int32_t status = check_adamw(context, a); status != JC_OK) return status;
  adamw_spans(context, a, [=](const AdamFactors& f, int64_t first, int64_t last) { adamw_span<V>(a, f, first, last); });
  return JC_OK;
}

}  // namespace jc
