// What the versions of batch_norm_gradient share: the argument checks, and what becomes of a channel's sums.
#pragma once

#include <cmath>

#include "core/spans.h"

JC_DECLARE(batch_norm_gradient)

namespace jc {

static inline int32_t check_batch_norm_gradient(jc_context* context, const jc_batch_norm_gradient_args* a) {
  const char* op = "batch_norm_gradient";
  JC_CHECK(op, a->rows >= 0 && a->channels > 0, "rows or channels");
  JC_CHECK(op, a->dy && a->x && a->mean && a->variance && a->weight && a->dx, "null pointer");
  JC_CHECK(op, a->epsilon >= 0, "epsilon");
  JC_CHECK(op, a->workspace && aligned(a->workspace, 64), "workspace: null or not aligned to 64 bytes");
  JC_CHECK(op, a->workspace_bytes >= jc_batch_norm_gradient_workspace(context, a),
           "workspace_bytes: less than jc_batch_norm_gradient_workspace");
  return JC_OK;
}

// Adds a channel's sums over the rows, of dy and of dy (x - mean), to the gradients of bias and weight.
static inline void add_channel_sums(const jc_batch_norm_gradient_args* a, int64_t c, double dy, double dy_d) {
  double inverse = 1 / std::sqrt(static_cast<double>(a->variance[c]) + a->epsilon);
  if (a->d_weight != nullptr) a->d_weight[c] = static_cast<float>(static_cast<double>(a->d_weight[c]) + inverse * dy_d);
  if (a->d_bias != nullptr) a->d_bias[c] = static_cast<float>(static_cast<double>(a->d_bias[c]) + dy);
}

// dx = dy factor
static inline float channel_factor(const jc_batch_norm_gradient_args* a, int64_t c) {
  return static_cast<float>(static_cast<double>(a->weight[c]) /
                            std::sqrt(static_cast<double>(a->variance[c]) + a->epsilon));
}

}  // namespace jc
