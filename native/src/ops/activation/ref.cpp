// Activation functions, the plain version.
#include <cmath>

#include "ops/activation/activation.h"

int32_t jc::ref::activation(jc_context* context, const jc_activation_args* a) {
  if (int32_t status = check_activation(context, a); status != JC_OK) return status;
  for (int64_t i = 0; i < a->count; ++i) {
    float x = a->x[i];
    switch (a->activation) {
      case JC_RELU:
        x = x < 0 ? 0 : x;
        break;
      case JC_QUICK_GELU:
        x = x / (1 + std::exp(-1.702f * x));
        break;
      case JC_GELU:
        x = 0.5f * x * std::erfc(x * -0.70710678f);
        break;  // 1 + erf would cancel for x < 0
      default:
        break;
    }
    a->y[i] = x;
  }
  return JC_OK;
}

JC_EXPORT(activation, jc::ref::activation, jc::avx2::activation, jc::avx512::activation)
