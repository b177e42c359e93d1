// Gradient of LayerNorm over vectors. A row of x and dy is read three times (sum, moments, output), after the first time from the L1
// or L2 cache; four rows share each load of the weight and of the partial sums of d_weight and d_bias, to which they are added one
// after the other. Lane structure: index modulo 4 vectors, whatever the number of rows.
#pragma once

#include <cstring>

#include "ops/layer_norm/simd.h"
#include "ops/layer_norm_gradient/layer_norm_gradient.h"

namespace jc {

// What the second pass over a row adds up, with d = x - mean and g = dy weight.
template <class V>
struct RowMoments {
  typename V::Float d, dd, g, gd;
};

template <class V>
RowMoments<V> row_moments(const float* x, const float* dy, const float* weight, float mean, int64_t width) {
  using Float = typename V::Float;
  RowMoments<V> t[2] = {{V::zero(), V::zero(), V::zero(), V::zero()}, {V::zero(), V::zero(), V::zero(), V::zero()}};
  Float means = V::set(mean);
  for_vectors<V>(width, [&](int64_t i, int64_t n, int slot) {
    RowMoments<V>& to = t[slot & 1];
    bool whole = n == V::kWidth;
    Float d = whole ? V::load(x + i) - means : V::select_first(n, V::load(x + i, n) - means, V::zero());
    Float g = whole ? V::load(dy + i) * V::load(weight + i) : V::load(dy + i, n) * V::load(weight + i, n);
    to.d = to.d + d;
    to.dd = V::fma(d, d, to.dd);
    to.g = to.g + g;
    to.gd = V::fma(g, d, to.gd);
  });
  return {t[0].d + t[1].d, t[0].dd + t[1].dd, t[0].g + t[1].g, t[0].gd + t[1].gd};
}

// What the third pass over a row needs: n = (x - mean) factor + shift;  dx = factor (g - g_mean - n g_normal).
struct RowFactors {
  alignas(16) float mean[4], factor[4], shift[4], g_mean[4], g_normal[4];
};

// Four rows, or one as if it were four.
template <class V, int kRows>
void row_factors(const jc_layer_norm_gradient_args* a, int64_t row, RowFactors* f) {
  constexpr int kLast = kRows - 1;
  const float* x = a->x + row * a->width;
  const float* dy = a->dy + row * a->width;
  typename V::Float t[kRows];
  RowMoments<V> m[kRows];
  auto sums = [&](typename V::Float RowMoments<V>::*member) {
    return V::sum4(m[0].*member, m[1 % kRows].*member, m[2 % kRows].*member, m[kLast].*member);
  };
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) t[r] = row_sums<V, false, false>(x + r * a->width, nullptr, nullptr, a->width);
  __m128 count = _mm_set1_ps(static_cast<float>(a->width));
  _mm_store_ps(f->mean, V::sum4(t[0], t[1 % kRows], t[2 % kRows], t[kLast]) / count);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r)
    m[r] = row_moments<V>(x + r * a->width, dy + r * a->width, a->weight, f->mean[r], a->width);
  __m128 rest = sums(&RowMoments<V>::d) / count;
  __m128 variance = sums(&RowMoments<V>::dd) / count - rest * rest;
  variance = _mm_max_ps(_mm_setzero_ps(), variance) + _mm_set1_ps(static_cast<float>(a->epsilon));
  __m128 factor = _mm_set1_ps(1.0f) / _mm_sqrt_ps(variance);
  __m128 g = sums(&RowMoments<V>::g);
  _mm_store_ps(f->factor, factor);
  _mm_store_ps(f->shift, _mm_setzero_ps() - rest * factor);
  _mm_store_ps(f->g_mean, g / count);
  _mm_store_ps(f->g_normal, (sums(&RowMoments<V>::gd) - rest * g) * factor / count);
}

// kSums: d_weight[width] and d_bias[width] are the block's partial sums.
template <class V, int kRows, bool kResidual, bool kSums>
void row_gradients(const jc_layer_norm_gradient_args* a, int64_t row, float* d_weight, float* d_bias) {
  using Float = typename V::Float;
  RowFactors f;
  row_factors<V, kRows>(a, row, &f);
  // All known before the loop: no store in it can change them. g - g_mean comes first, which is exactly 0 where all g are equal.
  Float mean[kRows], factor[kRows], shift[kRows], g_mean[kRows], slope[kRows];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    mean[r] = V::set(f.mean[r]);
    factor[r] = V::set(f.factor[r]);
    shift[r] = V::set(f.shift[r]);
    g_mean[r] = V::set(f.g_mean[r]);
    slope[r] = V::set(-f.g_normal[r]);
  }
  int64_t width = a->width;
  int64_t first = row * width;
  const float *x = a->x + first, *dy = a->dy + first, *weight = a->weight;
  const float* residual = kResidual ? a->residual + first : nullptr;
  float* dx = a->dx + first;
  int64_t ahead = row + 2 * kRows <= a->rows ? kRows * width : 0;
  auto output = [&](int64_t i, int64_t n) {
    bool whole = n == V::kWidth;
    auto load = [&](const float* p) { return whole ? V::load(p) : V::load(p, n); };
    auto store = [&](float* p, Float value) { whole ? V::store(p, value) : V::store(p, value, n); };
    Float weights = load(weight + i);
    Float weight_sum = kSums ? load(d_weight + i) : V::zero();
    Float bias_sum = kSums ? load(d_bias + i) : V::zero();
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      int64_t at = r * width + i;
      V::prefetch(x + at + ahead);  // the rows that come next
      V::prefetch(dy + at + ahead);
      if constexpr (kResidual) V::prefetch(residual + at + ahead);
      V::prefetch_write(dx + at + ahead);
      Float up = load(dy + at);
      Float normal = V::fma(load(x + at) - mean[r], factor[r], shift[r]);
      if constexpr (kSums) {
        weight_sum = V::fma(up, normal, weight_sum);
        bias_sum = bias_sum + up;
      }
      Float value = V::fma(normal, slope[r], up * weights - g_mean[r]) * factor[r];
      if constexpr (kResidual) value = value + load(residual + at);
      store(dx + at, value);
    }
    if constexpr (kSums) {
      store(d_weight + i, weight_sum);
      store(d_bias + i, bias_sum);
    }
  };
  int64_t i = 0;
  for (; i + V::kWidth <= width; i += V::kWidth) output(i, V::kWidth);
  if (i < width) output(i, width - i);
}

// Rows [row, end), one block; `partial` [2, width] or null.
template <class V, bool kResidual, bool kSums>
void row_block(const jc_layer_norm_gradient_args* a, int64_t row, int64_t end, float* partial) {
  if constexpr (kSums) std::memset(partial, 0, static_cast<size_t>(2 * a->width) * sizeof(float));
  float* d_bias = kSums ? partial + a->width : nullptr;
  for (; row + 4 <= end; row += 4) row_gradients<V, 4, kResidual, kSums>(a, row, partial, d_bias);
  for (; row < end; ++row) row_gradients<V, 1, kResidual, kSums>(a, row, partial, d_bias);
}

// to += the sum of the blocks' partial sums [blocks], `stride` apart, in their order; columns [first, last).
template <class V>
void add_partials(const float* partials, int64_t blocks, int64_t stride, int64_t first, int64_t last, float* to) {
  for (int64_t i = first; i < last; i += V::kWidth) {
    int64_t n = last - i;
    bool whole = n >= V::kWidth;
    auto load = [&](const float* p) { return whole ? V::load(p) : V::load(p, n); };
    typename V::Float sum = V::zero();
    for (int64_t block = 0; block < blocks; ++block) sum = sum + load(partials + block * stride + i);
    sum = load(to + i) + sum;
    whole ? V::store(to + i, sum) : V::store(to + i, sum, n);
  }
}

template <class V>
int32_t layer_norm_gradient_simd(jc_context* context, const jc_layer_norm_gradient_args* a) {
  if (int32_t status = check_layer_norm_gradient(context, a); status != JC_OK) return status;
  int64_t live = live_rows(a->live, a->rows);
  bool sums = a->d_weight != nullptr || a->d_bias != nullptr;
  float* partials = static_cast<float*>(a->workspace);
  int64_t threads = a->rows * a->width > 32768 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->rows, kLayerNormRows), [=](int64_t block, int64_t) {
    int64_t row = block * kLayerNormRows;
    int64_t end = row + kLayerNormRows < a->rows ? row + kLayerNormRows : a->rows;
    int64_t last = end < live ? end : live;
    float* partial = sums ? partials + block * 2 * a->width : nullptr;
    if (row < last) {
      if (sums) {
        a->residual != nullptr ? row_block<V, true, true>(a, row, last, partial)
                               : row_block<V, false, true>(a, row, last, partial);
      } else {
        a->residual != nullptr ? row_block<V, true, false>(a, row, last, partial)
                               : row_block<V, false, false>(a, row, last, partial);
      }
    }
    if (last < row) last = row;
    if (last < end)
      std::memset(a->dx + last * a->width, 0, static_cast<size_t>((end - last) * a->width) * sizeof(float));
  });
  if (!sums || live <= 0) return JC_OK;
  constexpr int64_t kColumns = 128;
  int64_t blocks = ceil_div(live, kLayerNormRows);
  if (blocks * a->width < 65536) threads = 1;
  parallel(context, threads, ceil_div(a->width, kColumns), [=](int64_t task, int64_t) {
    int64_t first = task * kColumns;
    int64_t last = first + kColumns < a->width ? first + kColumns : a->width;
    if (a->d_weight != nullptr) add_partials<V>(partials, blocks, 2 * a->width, first, last, a->d_weight);
    if (a->d_bias != nullptr) add_partials<V>(partials + a->width, blocks, 2 * a->width, first, last, a->d_bias);
  });
  return JC_OK;
}

}  // namespace jc
