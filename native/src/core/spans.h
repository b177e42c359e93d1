// Work cut by sizes alone: spans of a long vector, blocks of rows.
#pragma once

#include "core/pool.h"

namespace jc {

// f(first, last) for consecutive spans of [0, count), each of kSpan elements but the last.
constexpr int64_t kSpan = 16384;  // 64 KB of each operand
template <class F>
void parallel_spans(const jc_context* context, int64_t count, F&& f) {
  int64_t threads = count > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(count, kSpan), [&](int64_t span, int64_t) {
    int64_t first = span * kSpan;
    f(first, first + kSpan < count ? first + kSpan : count);
  });
}

// Blocks of rows for sums over rows: large enough that partial sums are little to write and to read, small enough that
// a block of up to 2048 columns is still in the second-level cache (512 KB) when it is read again.
struct RowBlocks {
  int64_t size;   // rows of a block, but of the last one
  int64_t count;  // of blocks
};
static inline RowBlocks row_blocks(int64_t rows, int64_t width) {
  int64_t size = ceil_div(16384, width);
  if (size < 64) size = 64;
  return {size, ceil_div(rows, size)};
}

// Adds partial sums of blocks, parts [blocks, kSums, width], in the order of the blocks and in double: f(column, sums)
// for each column. Some columns at a time, since those of one block lie together.
template <int kSums, class F>
void add_blocks(const jc_context* context, int64_t threads, const float* parts, int64_t blocks, int64_t width, F&& f) {
  constexpr int64_t kColumns = 32;
  parallel(context, threads, ceil_div(width, kColumns), [&](int64_t group, int64_t) {
    int64_t first = group * kColumns;
    int64_t n = width - first < kColumns ? width - first : kColumns;
    double sums[kColumns][kSums] = {};
    for (int64_t block = 0; block < blocks; ++block) {
      for (int k = 0; k < kSums; ++k) {
        const float* part = parts + (block * kSums + k) * width + first;
        for (int64_t c = 0; c < n; ++c) sums[c][k] += static_cast<double>(part[c]);
      }
    }
    for (int64_t c = 0; c < n; ++c) f(first + c, sums[c]);
  });
}

}  // namespace jc
