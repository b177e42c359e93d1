// Gradient of BatchNorm with the batch's statistics over vectors of channels: sums of blocks of rows, the blocks put
// together in double, then dx.
#pragma once

#include "ops/batch_norm_train_gradient/batch_norm_train_gradient.h"
#include "simd/columns.h"

namespace jc {

template <class V>
void batch_norm_train_gradient_output(const jc_batch_norm_train_gradient_args* a, const float* factors, int64_t first,
                                      int64_t last) {
  using Float = typename V::Float;
  for_block<V>(a->channels, first, last, [=](int64_t row, int rows, int64_t c, int64_t n) {
    Float mean = load_some<V>(a->mean + c, n), of_dy = load_some<V>(factors + c, n);
    Float of_d = load_some<V>(factors + a->channels + c, n), shift = load_some<V>(factors + 2 * a->channels + c, n);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      int64_t at = (row + r) * a->channels + c;
      Float d = load_some<V>(a->x + at, n) - mean;
      store_some<V>(a->dx + at, V::fma(of_dy, load_some<V>(a->dy + at, n), V::fma(of_d, d, shift)), n);
    }
  });
}

template <class V>
int32_t batch_norm_train_gradient_simd(jc_context* context, const jc_batch_norm_train_gradient_args* a) {
  if (int32_t status = check_batch_norm_train_gradient(context, a); status != JC_OK) return status;
  using Float = typename V::Float;
  int64_t channels = a->channels;
  RowBlocks blocks = row_blocks(a->rows, channels);
  float* parts = static_cast<float*>(a->workspace);
  float* factors = parts + 3 * blocks.count * channels;
  int64_t threads = a->rows * channels > 65536 ? parallel_width(context) : 1;
  auto end = [=](int64_t first) { return first + blocks.size < a->rows ? first + blocks.size : a->rows; };
  parallel(context, threads, blocks.count, [=](int64_t block, int64_t) {
    int64_t first = block * blocks.size;
    block_sums<V, 3>(parts + 3 * block * channels, channels, first, end(first),
                     [=](int64_t row, int64_t c, int64_t n, Float* t) {
                       Float dy = load_some<V>(a->dy + row * channels + c, n);
                       Float d = load_some<V>(a->x + row * channels + c, n) - load_some<V>(a->mean + c, n);
                       t[0] = t[0] + dy;
                       t[1] = V::fma(dy, d, t[1]);
                       t[2] = t[2] + d;
                     });
  });
  add_blocks<3>(context, threads, parts, blocks.count, channels, [=](int64_t c, const double* sums) {
    ChannelGradient g = batch_norm_channel_gradient(a, c, {sums[0], sums[1], sums[2]});
    factors[c] = g.of_dy, factors[channels + c] = g.of_d, factors[2 * channels + c] = g.shift;
  });
  parallel(context, threads, blocks.count, [=](int64_t block, int64_t) {
    batch_norm_train_gradient_output<V>(a, factors, block * blocks.size, end(block * blocks.size));
  });
  return JC_OK;
}

}  // namespace jc
