// BatchNorm with frozen statistics, the plain version.
#include <cmath>

#include "ops/batch_norm/batch_norm.h"

int32_t jc::ref::batch_norm(jc_context* context, const jc_batch_norm_args* a) {
  if (int32_t status = check_batch_norm(context, a); status != JC_OK) return status;
  float epsilon = static_cast<float>(a->epsilon);
  for (int64_t row = 0; row < a->rows; ++row) {
    const float* x = a->x + row * a->channels;
    float* y = a->y + row * a->channels;
    for (int64_t c = 0; c < a->channels; ++c) {
      y[c] = (x[c] - a->mean[c]) / std::sqrt(a->variance[c] + epsilon) * a->weight[c] + a->bias[c];
    }
  }
  return JC_OK;
}

JC_EXPORT(batch_norm, jc::ref::batch_norm, jc::avx2::batch_norm, jc::avx512::batch_norm)
