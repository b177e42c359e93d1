// Gradient of BatchNorm with the batch's statistics, the plain version: channel by channel, sums in double.
#include "ops/batch_norm_train_gradient/batch_norm_train_gradient.h"

int32_t jc::ref::batch_norm_train_gradient(jc_context* context, const jc_batch_norm_train_gradient_args* a) {
  if (int32_t status = check_batch_norm_train_gradient(context, a); status != JC_OK) return status;
  for (int64_t c = 0; c < a->channels; ++c) {
    ChannelSums sums = {0, 0, 0};
    for (int64_t row = 0; row < a->rows; ++row) {
      int64_t i = row * a->channels + c;
      double dy = static_cast<double>(a->dy[i]);
      double d = static_cast<double>(a->x[i] - a->mean[c]);
      sums.dy += dy;
      sums.dy_d += dy * d;
      sums.d += d;
    }
    ChannelGradient g = batch_norm_channel_gradient(a, c, sums);
    for (int64_t row = 0; row < a->rows; ++row) {
      int64_t i = row * a->channels + c;
      a->dx[i] = g.of_dy * a->dy[i] + (g.of_d * (a->x[i] - a->mean[c]) + g.shift);
    }
  }
  return JC_OK;
}

// Of each block of rows three sums; of each channel three factors.
JC_PUBLIC int64_t jc_batch_norm_train_gradient_workspace(const jc_context*,
                                                         const jc_batch_norm_train_gradient_args* a) {
  if (a->rows <= 0 || a->channels <= 0) return 0;
  int64_t floats = 3 * (jc::row_blocks(a->rows, a->channels).count + 1) * a->channels;
  return jc::round_up(floats * static_cast<int64_t>(sizeof(float)), 64);
}

JC_EXPORT(batch_norm_train_gradient, jc::ref::batch_norm_train_gradient, jc::avx2::batch_norm_train_gradient,
          jc::avx512::batch_norm_train_gradient)
