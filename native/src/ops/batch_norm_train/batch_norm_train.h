// What the versions of batch_norm_train share: the argument checks, and what becomes of a channel's mean and variance.
#pragma once

#include <cmath>

#include "core/spans.h"

JC_DECLARE(batch_norm_train)

namespace jc {

static inline int32_t check_batch_norm_train(jc_context* context, const jc_batch_norm_train_args* a) {
  JC_CHECK("batch_norm_train", a->rows > 0 && a->channels > 0, "rows or channels");
  JC_CHECK("batch_norm_train", a->x && a->weight && a->bias && a->y && a->mean && a->inverse, "null pointer");
  JC_CHECK("batch_norm_train", (a->running_mean == nullptr) == (a->running_variance == nullptr),
           "one of running_mean and running_variance is null");
  JC_CHECK("batch_norm_train", a->epsilon >= 0, "epsilon");
  JC_CHECK("batch_norm_train", a->momentum >= 0 && a->momentum <= 1, "momentum");
  JC_CHECK("batch_norm_train", a->workspace && aligned(a->workspace, 64), "workspace: null or not aligned to 64 bytes");
  JC_CHECK("batch_norm_train", a->workspace_bytes >= jc_batch_norm_train_workspace(context, a),
           "workspace_bytes: less than jc_batch_norm_train_workspace");
  return JC_OK;
}

// Writes mean, inverse and the running statistics of channel c. y = (x - mean) factor + shift: what rounding to fp32
// leaves out of the mean is in shift, for it counts where the mean is much larger than the deviation.
struct Affine {
  float factor;
  float shift;
};
static inline Affine batch_norm_channel(const jc_batch_norm_train_args* a, int64_t c, double mean, double squares) {
  double rows = static_cast<double>(a->rows);
  double inverse = 1 / std::sqrt(squares / rows + a->epsilon);
  a->mean[c] = static_cast<float>(mean);
  a->inverse[c] = static_cast<float>(inverse);
  if (a->running_mean != nullptr) {
    double variance = squares / (a->rows > 1 ? rows - 1 : 1);
    auto blend = [=](float running, double value) {
      return static_cast<float>((1 - a->momentum) * static_cast<double>(running) + a->momentum * value);
    };
    a->running_mean[c] = blend(a->running_mean[c], mean);
    a->running_variance[c] = blend(a->running_variance[c], variance);
  }
  double factor = inverse * static_cast<double>(a->weight[c]);
  double rest = mean - static_cast<double>(a->mean[c]);
  return {static_cast<float>(factor), static_cast<float>(static_cast<double>(a->bias[c]) - rest * factor)};
}

}  // namespace jc
