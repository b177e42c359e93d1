// Rows scaled to unit length, the plain version.
#include <cmath>

#include "core/pool.h"

JC_DECLARE(l2_normalize)

int32_t jc::ref::l2_normalize(jc_context* context, const jc_l2_normalize_args* a) {
  JC_CHECK("l2_normalize", a->rows >= 0 && a->width > 0, "rows or width");
  JC_CHECK("l2_normalize", a->x && a->y, "null pointer");
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

JC_EXPORT(l2_normalize, jc::ref::l2_normalize, jc::ref::l2_normalize, jc::ref::l2_normalize)
