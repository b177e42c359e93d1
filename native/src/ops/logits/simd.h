// Scaled similarities over vectors: tiles of 4 rows x 4 texts, one vector accumulator for each pair, lanes by index. So
// a pair's bits are the same in whatever tile it falls. The softmax of a row has lanes by text number.
#pragma once

#include <cmath>

#include "ops/logits/logits.h"

namespace jc {

template <class V, int kRows, int kTexts>
void logits_tile(const jc_logits_args* a, int64_t row, int64_t text) {
  const float* image = a->image + row * a->width;
  const float* texts = a->text + text * a->width;
  typename V::Float t[kRows][kTexts];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < kTexts; ++j) t[i][j] = V::zero();
  }
  auto step = [&](auto load, int64_t at) {
    typename V::Float x[kRows];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) x[i] = load(image + i * a->width + at);
#pragma GCC unroll 8
    for (int j = 0; j < kTexts; ++j) {
      typename V::Float y = load(texts + j * a->width + at);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) t[i][j] = V::fma(x[i], y, t[i][j]);
    }
  };
  int64_t at = 0;
  for (; at + V::kWidth <= a->width; at += V::kWidth) step([](const float* p) { return V::load(p); }, at);
  int64_t rest = a->width - at;
  if (rest > 0) step([=](const float* p) { return V::load(p, rest); }, at);
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < kTexts; ++j)
      a->logits[(row + i) * a->texts + text + j] = V::sum(t[i][j]) * static_cast<float>(a->scale);
  }
}

template <class V, int kRows>
void logits_rows(const jc_logits_args* a, int64_t row, int64_t first, int64_t last) {
  int64_t text = first;
  for (; text + 4 <= last; text += 4) logits_tile<V, kRows, 4>(a, row, text);
  for (; text < last; ++text) logits_tile<V, kRows, 1>(a, row, text);
}

template <class V>
void softmax_row(const float* x, float* y, int64_t count) {
  typename V::Float low = V::set(-INFINITY);
  typename V::Float largest = low;
  int64_t whole = count - count % V::kWidth;
  int64_t tail = count - whole;
  for (int64_t i = 0; i < whole; i += V::kWidth) largest = V::max(largest, V::load(x + i));
  if (tail > 0) largest = V::max(largest, V::select_first(tail, V::load(x + whole, tail), low));
  typename V::Float shift = V::set(V::largest(largest));
  typename V::Float sum = V::zero();
  for (int64_t i = 0; i < whole; i += V::kWidth) {
    typename V::Float e = V::exp(V::load(x + i) - shift);
    V::store(y + i, e);
    sum = sum + e;
  }
  if (tail > 0) {
    typename V::Float e = V::select_first(tail, V::exp(V::load(x + whole, tail) - shift), V::zero());
    V::store(y + whole, e, tail);
    sum = sum + e;
  }
  typename V::Float total = V::set(V::sum(sum));
  for (int64_t i = 0; i < whole; i += V::kWidth) V::store(y + i, V::load(y + i) / total);
  if (tail > 0) V::store(y + whole, V::load(y + whole, tail) / total, tail);
}

template <class V>
int32_t logits_simd(jc_context* context, const jc_logits_args* a) {
  if (int32_t status = check_logits(context, a); status != JC_OK) return status;
  constexpr int64_t kBlock = 64;  // texts a task: 128 KB at width 512, read from L2 by every four rows
  int64_t threads = a->rows * a->texts * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->texts, kBlock), [=](int64_t block, int64_t) {
    int64_t first = block * kBlock;
    int64_t last = first + kBlock < a->texts ? first + kBlock : a->texts;
    int64_t row = 0;
    for (; row + 4 <= a->rows; row += 4) logits_rows<V, 4>(a, row, first, last);
    for (; row < a->rows; ++row) logits_rows<V, 1>(a, row, first, last);
  });
  if (a->probabilities == nullptr || a->texts == 0) return JC_OK;
  parallel(context, threads, a->rows, [=](int64_t row, int64_t) {
    softmax_row<V>(a->logits + row * a->texts, a->probabilities + row * a->texts, a->texts);
  });
  return JC_OK;
}

}  // namespace jc
