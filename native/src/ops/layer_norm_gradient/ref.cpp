// Gradient of LayerNorm, the plain version: row by row in index order; statistics as jc_layer_norm computes them.
// With n = (x - mean) inverse and g = dy weight:  dx = inverse (g - mean(g) - n mean(g n)) + residual.
#include <cmath>

#include "ops/layer_norm_gradient/layer_norm_gradient.h"

int32_t jc::ref::layer_norm_gradient(jc_context* context, const jc_layer_norm_gradient_args* a) {
  if (int32_t status = check_layer_norm_gradient(context, a); status != JC_OK) return status;
  int64_t live = live_rows(a->live, a->rows);
  float width = static_cast<float>(a->width);
  for (int64_t row = 0; row < a->rows; ++row) {
    const float* x = a->x + row * a->width;
    const float* dy = a->dy + row * a->width;
    const float* residual = a->residual != nullptr ? a->residual + row * a->width : nullptr;
    float* dx = a->dx + row * a->width;
    if (row >= live) {
      for (int64_t i = 0; i < a->width; ++i) dx[i] = 0;
      continue;
    }
    float mean = 0;
    for (int64_t i = 0; i < a->width; ++i) mean += x[i];
    mean /= width;
    float variance = 0;
    float rest = 0;  // what rounding left out of the mean
    for (int64_t i = 0; i < a->width; ++i) {
      float d = x[i] - mean;
      variance += d * d;
      rest += d;
    }
    rest /= width;
    variance = variance / width - rest * rest;
    if (variance < 0) variance = 0;
    float inverse = 1.0f / std::sqrt(variance + static_cast<float>(a->epsilon));
    auto normal = [&](int64_t i) { return (x[i] - mean - rest) * inverse; };
    float g_mean = 0;
    float g_normal = 0;
    for (int64_t i = 0; i < a->width; ++i) {
      g_mean += dy[i] * a->weight[i];
      g_normal += dy[i] * a->weight[i] * normal(i);
    }
    g_mean /= width;
    g_normal /= width;
    for (int64_t i = 0; i < a->width; ++i) {
      float d = dy[i];  // before dx is written: dx may be dy
      if (a->d_weight != nullptr) a->d_weight[i] += d * normal(i);
      if (a->d_bias != nullptr) a->d_bias[i] += d;
      float value = inverse * (d * a->weight[i] - g_mean - normal(i) * g_normal);
      dx[i] = residual != nullptr ? value + residual[i] : value;
    }
  }
  return JC_OK;
}

JC_EXPORT(layer_norm_gradient, jc::ref::layer_norm_gradient, jc::avx2::layer_norm_gradient,
          jc::avx512::layer_norm_gradient)

JC_PUBLIC int64_t jc_layer_norm_gradient_workspace(const jc_context*, const jc_layer_norm_gradient_args* a) {
  return jc::layer_norm_gradient_bytes(a);
}
