// Rows scaled to unit length, the plain version.
#include <cmath>

#include "ops/l2_normalize/l2_normalize.h"

int32_t jc::ref::l2_normalize(jc_context* context, const jc_l2_normalize_args* a) {
  if (int32_t status = check_l2_normalize(context, a); status != JC_OK) return status;
  int64_t live = live_rows(a->live, a->rows);
  float epsilon = static_cast<float>(a->epsilon);
  for (int64_t row = 0; row < a->rows; ++row) {
    const float* x = a->x + row * a->width;
    float* y = a->y + row * a->width;
    float squares = 0;
    for (int64_t i = 0; i < a->width && row < live; ++i) squares += x[i] * x[i];
    float length = std::sqrt(squares);
    if (length < epsilon) length = epsilon;
    for (int64_t i = 0; i < a->width; ++i) y[i] = row < live ? x[i] / length : 0;
  }
  return JC_OK;
}

JC_EXPORT(l2_normalize, jc::ref::l2_normalize, jc::avx2::l2_normalize, jc::avx512::l2_normalize)
