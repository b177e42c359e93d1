// Activation functions, the plain version.
#include <cmath>

#include "core/pool.h"

JC_DECLARE(activation)

int32_t jc::ref::activation(jc_context* context, const jc_activation_args* a) {
  JC_CHECK("activation", a->count >= 0, "count");
  JC_CHECK("activation", a->activation >= JC_IDENTITY && a->activation <= JC_GELU, "activation");
  JC_CHECK("activation", a->x && a->y, "null pointer");
  for (int64_t i = 0; i < a->count; ++i) {
    float x = a->x[i];
    switch (a->activation) {
      case JC_RELU: x = x < 0 ? 0 : x; break;
      case JC_QUICK_GELU: x = x / (1 + std::exp(-1.702f * x)); break;
      case JC_GELU: x = 0.5f * x * (1 + std::erf(x * 0.70710678f)); break;
      default: break;
    }
    a->y[i] = x;
  }
  return JC_OK;
}

JC_EXPORT(activation, jc::ref::activation, jc::ref::activation, jc::ref::activation)
