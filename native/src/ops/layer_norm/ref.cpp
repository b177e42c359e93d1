// LayerNorm, the plain version: row by row, two passes, in index order.
#include <cmath>

#include "core/pool.h"

JC_DECLARE(layer_norm)

int32_t jc::ref::layer_norm(jc_context* context, const jc_layer_norm_args* a) {
  JC_CHECK("layer_norm", a->rows >= 0 && a->width > 0, "rows or width");
  JC_CHECK("layer_norm", a->x && a->weight && a->bias && a->y, "null pointer");
  int64_t live = live_rows(a->live, a->rows);
  for (int64_t row = 0; row < a->rows; ++row) {
    const float* x = a->x + row * a->width;
    const float* residual = a->residual != nullptr ? a->residual + row * a->width : nullptr;
    float* sum = a->sum != nullptr ? a->sum + row * a->width : nullptr;
    float* y = a->y + row * a->width;
    if (row >= live) {
      for (int64_t i = 0; i < a->width; ++i) {
        y[i] = 0;
        if (sum != nullptr) sum[i] = 0;
      }
      continue;
    }
    auto at = [&](int64_t i) { return residual != nullptr ? x[i] + residual[i] : x[i]; };
    float mean = 0;
    for (int64_t i = 0; i < a->width; ++i) mean += at(i);
    mean /= static_cast<float>(a->width);
    float variance = 0;
    for (int64_t i = 0; i < a->width; ++i) variance += (at(i) - mean) * (at(i) - mean);
    variance /= static_cast<float>(a->width);
    float inverse = 1.0f / std::sqrt(variance + static_cast<float>(a->epsilon));
    for (int64_t i = 0; i < a->width; ++i) {
      float value = at(i);  // before y is written: y may be x
      if (sum != nullptr) sum[i] = value;
      y[i] = (value - mean) * inverse * a->weight[i] + a->bias[i];
    }
  }
  return JC_OK;
}

JC_EXPORT(layer_norm, jc::ref::layer_norm, jc::ref::layer_norm, jc::ref::layer_norm)
