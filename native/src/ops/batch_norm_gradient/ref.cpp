// Gradient of BatchNorm with frozen statistics, the plain version: channel by channel, sums in double.
#include "ops/batch_norm_gradient/batch_norm_gradient.h"

int32_t jc::ref::batch_norm_gradient(jc_context* context, const jc_batch_norm_gradient_args* a) {
  if (int32_t status = check_batch_norm_gradient(context, a); status != JC_OK) return status;
  for (int64_t c = 0; c < a->channels; ++c) {
    double dy_sum = 0, dy_d_sum = 0;
    float factor = channel_factor(a, c);
    for (int64_t row = 0; row < a->rows; ++row) {
      int64_t i = row * a->channels + c;
      double dy = static_cast<double>(a->dy[i]);
      dy_sum += dy;
      dy_d_sum += dy * static_cast<double>(a->x[i] - a->mean[c]);
      a->dx[i] = a->dy[i] * factor;
    }
    add_channel_sums(a, c, dy_sum, dy_d_sum);
  }
  return JC_OK;
}

// Of each block of rows two sums; of each channel its factor.
JC_PUBLIC int64_t jc_batch_norm_gradient_workspace(const jc_context*, const jc_batch_norm_gradient_args* a) {
  if (a->rows < 0 || a->channels <= 0) return 0;
  int64_t floats = (2 * jc::row_blocks(a->rows, a->channels).count + 1) * a->channels;
  return jc::round_up(floats * static_cast<int64_t>(sizeof(float)), 64);
}

JC_EXPORT(batch_norm_gradient, jc::ref::batch_norm_gradient, jc::avx2::batch_norm_gradient,
          jc::avx512::batch_norm_gradient)
