// LayerNorm, the plain version: row by row, two passes, in index order.
#include <cmath>

#include "ops/layer_norm/layer_norm.h"

int32_t jc::ref::layer_norm(jc_context* context, const jc_layer_norm_args* a) {
  if (int32_t status = check_layer_norm(context, a); status != JC_OK) return status;
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
    float rest = 0;  // what rounding left out of the mean: it counts where the mean is much larger than the deviation
    for (int64_t i = 0; i < a->width; ++i) {
      float d = at(i) - mean;
      variance += d * d;
      rest += d;
    }
    rest /= static_cast<float>(a->width);
    variance = variance / static_cast<float>(a->width) - rest * rest;
    if (variance < 0) variance = 0;
    float inverse = 1.0f / std::sqrt(variance + static_cast<float>(a->epsilon));
    for (int64_t i = 0; i < a->width; ++i) {
      float value = at(i);  // before y is written: y may be x
      if (sum != nullptr) sum[i] = value;
      y[i] = (value - mean - rest) * inverse * a->weight[i] + a->bias[i];
    }
  }
  return JC_OK;
}

JC_EXPORT(layer_norm, jc::ref::layer_norm, jc::avx2::layer_norm, jc::avx512::layer_norm)
