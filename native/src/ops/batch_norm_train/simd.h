// BatchNorm with the batch's statistics over vectors of channels. x comes twice from memory: a block of rows is summed,
// and summed again around its mean while it is in the cache; the blocks are put together in double; then the output.
#pragma once

#include "ops/batch_norm_train/batch_norm_train.h"
#include "simd/columns.h"

namespace jc {

// parts [3, channels]: the block's mean in fp32, and sums of x - mean and of its squares.
template <class V>
void batch_norm_block(const jc_batch_norm_train_args* a, float* parts, int64_t first, int64_t last) {
  using Float = typename V::Float;
  block_sums<V, 1>(parts, a->channels, first, last, [=](int64_t row, int64_t c, int64_t n, Float* t) {
    t[0] = t[0] + load_some<V>(a->x + row * a->channels + c, n);
  });
  float rows = static_cast<float>(last - first);
  for (int64_t c = 0; c < a->channels; ++c) parts[c] /= rows;
  block_sums<V, 2>(parts + a->channels, a->channels, first, last, [=](int64_t row, int64_t c, int64_t n, Float* t) {
    Float d = load_some<V>(a->x + row * a->channels + c, n) - load_some<V>(parts + c, n);
    t[0] = t[0] + d;
    t[1] = V::fma(d, d, t[1]);
  });
}

// Mean of n <= kChannels channels from their blocks' means, and squares around it: those around the block's own mean +
// rows (block's mean - mean)^2.
constexpr int64_t kChannels = 32;
struct Moments {
  double mean[kChannels];
  double squares[kChannels];
};
static inline Moments merge_blocks(const float* parts, RowBlocks blocks, int64_t rows, int64_t channels, int64_t n) {
  Moments all = {};
  for (int pass = 0; pass < 2; ++pass) {
    for (int64_t block = 0; block < blocks.count; ++block) {
      const float* part = parts + block * 3 * channels;
      int64_t first = block * blocks.size;
      double count = static_cast<double>(first + blocks.size < rows ? blocks.size : rows - first);
      for (int64_t c = 0; c < n; ++c) {
        double deviations = static_cast<double>(part[channels + c]);
        double mean = static_cast<double>(part[c]) + deviations / count;
        if (pass == 0) {
          all.mean[c] += mean * (count / static_cast<double>(rows));
        } else {
          double off = mean - all.mean[c];
          all.squares[c] += static_cast<double>(part[2 * channels + c]) - deviations * deviations / count;
          all.squares[c] += count * off * off;
        }
      }
    }
  }
  return all;
}

template <class V, bool kResidual>
void batch_norm_output(const jc_batch_norm_train_args* a, const float* factor, const float* shift, int64_t first,
                       int64_t last) {
  using Float = typename V::Float;
  for_block<V>(a->channels, first, last, [=](int64_t row, int rows, int64_t c, int64_t n) {
    Float mean = load_some<V>(a->mean + c, n), f = load_some<V>(factor + c, n), s = load_some<V>(shift + c, n);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      int64_t at = (row + r) * a->channels + c;
      Float y = V::fma(load_some<V>(a->x + at, n) - mean, f, s);
      if constexpr (kResidual) y = y + load_some<V>(a->residual + at, n);
      store_some<V>(a->y + at, y, n);
    }
  });
}

template <class V>
int32_t batch_norm_train_simd(jc_context* context, const jc_batch_norm_train_args* a) {
  if (int32_t status = check_batch_norm_train(context, a); status != JC_OK) return status;
  RowBlocks blocks = row_blocks(a->rows, a->channels);
  float* parts = static_cast<float*>(a->workspace);
  float* factor = parts + 3 * blocks.count * a->channels;
  float* shift = factor + a->channels;
  int64_t threads = a->rows * a->channels > 65536 ? parallel_width(context) : 1;
  auto end = [=](int64_t first) { return first + blocks.size < a->rows ? first + blocks.size : a->rows; };
  parallel(context, threads, blocks.count, [=](int64_t block, int64_t) {
    int64_t first = block * blocks.size;
    batch_norm_block<V>(a, parts + 3 * block * a->channels, first, end(first));
  });
  parallel(context, threads, ceil_div(a->channels, kChannels), [=](int64_t group, int64_t) {
    int64_t first = group * kChannels;
    int64_t n = a->channels - first < kChannels ? a->channels - first : kChannels;
    Moments moments = merge_blocks(parts + first, blocks, a->rows, a->channels, n);
    for (int64_t i = 0; i < n; ++i) {
      double squares = moments.squares[i] > 0 ? moments.squares[i] : 0;
      Affine affine = batch_norm_channel(a, first + i, moments.mean[i], squares);
      factor[first + i] = affine.factor;
      shift[first + i] = affine.shift;
    }
  });
  parallel(context, threads, blocks.count, [=](int64_t block, int64_t) {
    int64_t first = block * blocks.size;
    if (a->residual != nullptr) {
      batch_norm_output<V, true>(a, factor, shift, first, end(first));
    } else {
      batch_norm_output<V, false>(a, factor, shift, first, end(first));
    }
  });
  return JC_OK;
}

}  // namespace jc
