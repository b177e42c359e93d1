// AdamW, the plain version: segment by segment, element by element.
#include "ops/adamw/adamw.h"

int32_t jc::ref::adamw(jc_context* context, const jc_adamw_args* a) {
  if (int32_t status = check_adamw(context, a); status != JC_OK) return status;
  for (int64_t s = 0; s < a->segments; ++s) {
    AdamFactors f = adam_factors(a, s);
    for (int64_t i = a->first[s]; i < a->first[s + 1]; ++i) {
      float g = a->g[i] * f.clip;
      float root = f.of_root * g;
      float m = f.beta1.high * a->m[i] + (f.beta1.low * a->m[i] + f.of_g * g);
      float v = f.beta2.high * a->v[i] + (f.beta2.low * a->v[i] + root * root);
      a->m[i] = m;
      a->v[i] = v;
      a->p[i] -= f.shrink * a->p[i] + f.rate * (m / (std::sqrt(v) * f.of_v + f.epsilon));
    }
  }
  return JC_OK;
}

JC_EXPORT(adamw, jc::ref::adamw, jc::avx2::adamw, jc::avx512::adamw)
