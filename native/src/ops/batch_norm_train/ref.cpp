// BatchNorm with the batch's statistics, the plain version: channel by channel, two passes, sums in double: a channel
// may have a million rows.
#include "ops/batch_norm_train/batch_norm_train.h"

int32_t jc::ref::batch_norm_train(jc_context* context, const jc_batch_norm_train_args* a) {
  if (int32_t status = check_batch_norm_train(context, a); status != JC_OK) return status;
  for (int64_t c = 0; c < a->channels; ++c) {
    double mean = 0;
    for (int64_t row = 0; row < a->rows; ++row) mean += static_cast<double>(a->x[row * a->channels + c]);
    mean /= static_cast<double>(a->rows);
    double squares = 0;
    for (int64_t row = 0; row < a->rows; ++row) {
      double d = static_cast<double>(a->x[row * a->channels + c]) - mean;
      squares += d * d;
    }
    Affine affine = batch_norm_channel(a, c, mean, squares);
    for (int64_t row = 0; row < a->rows; ++row) {
      int64_t i = row * a->channels + c;
      float y = (a->x[i] - a->mean[c]) * affine.factor + affine.shift;
      a->y[i] = a->residual != nullptr ? y + a->residual[i] : y;
    }
  }
  return JC_OK;
}

// Of each block of rows mean, deviations and squares; factor and shift of each channel.
JC_PUBLIC int64_t jc_batch_norm_train_workspace(const jc_context*, const jc_batch_norm_train_args* a) {
  if (a->rows <= 0 || a->channels <= 0) return 0;
  int64_t floats = (3 * jc::row_blocks(a->rows, a->channels).count + 2) * a->channels;
  return jc::round_up(floats * static_cast<int64_t>(sizeof(float)), 64);
}

JC_EXPORT(batch_norm_train, jc::ref::batch_norm_train, jc::avx2::batch_norm_train, jc::avx512::batch_norm_train)
