// Gradient of BatchNorm with frozen statistics over vectors of channels: one pass over dy and x makes dx and the sums
// of a block of rows (each element is summed before dx, which may be dy or x, takes its place).
#pragma once

#include "ops/batch_norm_gradient/batch_norm_gradient.h"
#include "simd/columns.h"

namespace jc {

template <class V>
int32_t batch_norm_gradient_simd(jc_context* context, const jc_batch_norm_gradient_args* a) {
  if (int32_t status = check_batch_norm_gradient(context, a); status != JC_OK) return status;
  using Float = typename V::Float;
  int64_t channels = a->channels;
  RowBlocks blocks = row_blocks(a->rows, channels);
  float* factor = static_cast<float*>(a->workspace);
  float* parts = factor + channels;
  for (int64_t c = 0; c < channels; ++c) factor[c] = channel_factor(a, c);
  int64_t threads = a->rows * channels > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, blocks.count, [=](int64_t block, int64_t) {
    int64_t first = block * blocks.size;
    int64_t last = first + blocks.size < a->rows ? first + blocks.size : a->rows;
    block_sums<V, 2>(parts + 2 * block * channels, channels, first, last,
                     [=](int64_t row, int64_t c, int64_t n, Float* t) {
                       int64_t at = row * channels + c;
                       Float dy = load_some<V>(a->dy + at, n);
                       Float d = load_some<V>(a->x + at, n) - load_some<V>(a->mean + c, n);
                       t[0] = t[0] + dy;
                       t[1] = V::fma(dy, d, t[1]);
                       store_some<V>(a->dx + at, dy * load_some<V>(factor + c, n), n);
                     });
  });
  add_blocks<2>(context, threads, parts, blocks.count, channels,
                [=](int64_t c, const double* sums) { add_channel_sums(a, c, sums[0], sums[1]); });
  return JC_OK;
}

}  // namespace jc
