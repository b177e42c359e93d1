// Sums over rows, column by column, over vectors of columns.
#pragma once

#include <cstdint>

namespace jc {

template <class V>
inline typename V::Float load_some(const float* p, int64_t n) {
  return n == V::kWidth ? V::load(p) : V::load(p, n);
}
template <class V>
inline void store_some(float* p, typename V::Float x, int64_t n) {
  n == V::kWidth ? V::store(p, x) : V::store(p, x, n);
}

// sums [kSums, width] = the sums over rows [first, last) of what add(row, column, n, sums of these n columns) adds, in
// ascending order of rows. Four rows share each load and store of the sums.
template <class V, int kSums, class F>
inline void block_sums(float* sums, int64_t width, int64_t first, int64_t last, F&& add) {
  auto rows_of_columns = [&](int64_t row, int rows, int64_t c, int64_t n) {
    typename V::Float t[kSums];
#pragma GCC unroll 4
    for (int k = 0; k < kSums; ++k) t[k] = row == first ? V::zero() : load_some<V>(sums + k * width + c, n);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) add(row + r, c, n, t);
#pragma GCC unroll 4
    for (int k = 0; k < kSums; ++k) store_some<V>(sums + k * width + c, t[k], n);
  };
  auto rows_of_all = [&](int64_t row, int rows) {
    int64_t c = 0;
    for (; c + V::kWidth <= width; c += V::kWidth) rows_of_columns(row, rows, c, V::kWidth);
    if (c < width) rows_of_columns(row, rows, c, width - c);
  };
  int64_t row = first;
  for (; row + 4 <= last; row += 4) rows_of_all(row, 4);
  for (; row < last; ++row) rows_of_all(row, 1);
}

// f(row, rows, column, n): rows [first, last) in groups of four, and singly what is left, for each vector of n columns.
template <class V, class F>
inline void for_block(int64_t width, int64_t first, int64_t last, F&& f) {
  auto rows_of_all = [&](int64_t row, int rows) {
    int64_t c = 0;
    for (; c + V::kWidth <= width; c += V::kWidth) f(row, rows, c, V::kWidth);
    if (c < width) f(row, rows, c, width - c);
  };
  int64_t row = first;
  for (; row + 4 <= last; row += 4) rows_of_all(row, 4);
  for (; row < last; ++row) rows_of_all(row, 1);
}

}  // namespace jc
