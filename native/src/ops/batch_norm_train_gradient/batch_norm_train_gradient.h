// What the versions of batch_norm_train_gradient share: the argument checks, and what becomes of a channel's sums.
#pragma once

#include "core/spans.h"

JC_DECLARE(batch_norm_train_gradient)

namespace jc {

static inline int32_t check_batch_norm_train_gradient(jc_context* context, const jc_batch_norm_train_gradient_args* a) {
  const char* op = "batch_norm_train_gradient";
  JC_CHECK(op, a->rows > 0 && a->channels > 0, "rows or channels");
  JC_CHECK(op, a->dy && a->x && a->mean && a->inverse && a->weight && a->dx, "null pointer");
  JC_CHECK(op, a->workspace && aligned(a->workspace, 64), "workspace: null or not aligned to 64 bytes");
  JC_CHECK(op, a->workspace_bytes >= jc_batch_norm_train_gradient_workspace(context, a),
           "workspace_bytes: less than jc_batch_norm_train_gradient_workspace");
  return JC_OK;
}

// Sums over the rows of a channel, with d = x - mean.
struct ChannelSums {
  double dy;
  double dy_d;
  double d;  // 0 but for what rounding to fp32 left out of the mean
};

// Adds to d_weight and d_bias; dx = of_dy dy + of_d d + shift.
struct ChannelGradient {
  float of_dy;
  float of_d;
  float shift;
};
static inline ChannelGradient batch_norm_channel_gradient(const jc_batch_norm_train_gradient_args* a, int64_t c,
                                                          ChannelSums sums) {
  double rows = static_cast<double>(a->rows);
  double inverse = static_cast<double>(a->inverse[c]);
  double rest = sums.d / rows;
  double d_weight = inverse * (sums.dy_d - rest * sums.dy);
  if (a->d_weight != nullptr) a->d_weight[c] = static_cast<float>(static_cast<double>(a->d_weight[c]) + d_weight);
  if (a->d_bias != nullptr) a->d_bias[c] = static_cast<float>(static_cast<double>(a->d_bias[c]) + sums.dy);
  // dx = weight inverse (dy - mean of dy - (d - rest) inverse d_weight / rows)
  double of_dy = static_cast<double>(a->weight[c]) * inverse;
  double of_d = -of_dy * inverse * d_weight / rows;
  return {static_cast<float>(of_dy), static_cast<float>(of_d),
          static_cast<float>(-of_dy * sums.dy / rows - of_d * rest)};
}

}  // namespace jc
