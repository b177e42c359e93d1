// Gradient of rows scaled to unit length, the plain version: dx = (dy - y (y . dy)) / length with y = x / length.
#include <cmath>

#include "ops/l2_normalize_gradient/l2_normalize_gradient.h"

int32_t jc::ref::l2_normalize_gradient(jc_context* context, const jc_l2_normalize_gradient_args* a) {
  if (int32_t status = check_l2_normalize_gradient(context, a); status != JC_OK) return status;
  int64_t live = live_rows(a->live, a->rows);
  float epsilon = static_cast<float>(a->epsilon);
  for (int64_t row = 0; row < a->rows; ++row) {
    const float* x = a->x + row * a->width;
    const float* dy = a->dy + row * a->width;
    float* dx = a->dx + row * a->width;
    float squares = 0;
    for (int64_t i = 0; i < a->width && row < live; ++i) squares += x[i] * x[i];
    float length = std::sqrt(squares);
    bool constant = length < epsilon;  // as jc_l2_normalize decides
    if (constant) length = epsilon;
    float along = 0;  // y . dy
    for (int64_t i = 0; i < a->width && row < live && !constant; ++i) along += x[i] / length * dy[i];
    for (int64_t i = 0; i < a->width; ++i) dx[i] = row < live ? (dy[i] - x[i] / length * along) / length : 0;
  }
  return JC_OK;
}

JC_EXPORT(l2_normalize_gradient, jc::ref::l2_normalize_gradient, jc::avx2::l2_normalize_gradient,
          jc::avx512::l2_normalize_gradient)
