// Gradients of the activation functions, the plain version.
#include <cmath>

#include "ops/activation_gradient/activation_gradient.h"

namespace {

// With s = sigmoid(1.702 x): s + 1.702 x s (1 - s).
float quick_gelu_slope(float x) {
  float e = std::exp(-1.702f * x);
  if (e > 1e30f) return 0;  // infinity times 0 otherwise; the slope is below 1e-28
  float s = 1 / (1 + e);
  return s * (1 + 1.702f * x * (e * s));
}

// Phi(x) + x phi(x)
float gelu_slope(float x) { return 0.5f * std::erfc(x * -0.70710678f) + x * (0.39894228f * std::exp(-0.5f * x * x)); }

}  // namespace

int32_t jc::ref::activation_gradient(jc_context* context, const jc_activation_gradient_args* a) {
  if (int32_t status = check_activation_gradient(context, a); status != JC_OK) return status;
  for (int64_t i = 0; i < a->count; ++i) {
    float x = a->x[i];
    float dy = a->dy[i];
    switch (a->activation) {
      case JC_RELU:
        dy = x > 0 ? dy : 0;
        break;
      case JC_QUICK_GELU:
        dy = quick_gelu_slope(x) * dy;
        break;
      case JC_GELU:
        dy = gelu_slope(x) * dy;
        break;
      default:
        break;
    }
    a->dx[i] = dy;
  }
  return JC_OK;
}

JC_EXPORT(activation_gradient, jc::ref::activation_gradient, jc::avx2::activation_gradient,
          jc::avx512::activation_gradient)
