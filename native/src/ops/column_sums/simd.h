// Sums of columns over vectors; the plain version's order of addition, so the same bits.
#pragma once

#include "ops/column_sums/column_sums.h"
#include "simd/columns.h"

namespace jc {

template <class V>
int32_t column_sums_simd(jc_context* context, const jc_column_sums_args* a) {
  if (int32_t status = check_column_sums(context, a); status != JC_OK) return status;
  RowBlocks blocks = row_blocks(a->rows, a->width);
  float* parts = static_cast<float*>(a->workspace);
  int64_t threads = a->rows * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, blocks.count, [=](int64_t block, int64_t) {
    int64_t first = block * blocks.size;
    int64_t last = first + blocks.size < a->rows ? first + blocks.size : a->rows;
    block_sums<V, 1>(parts + block * a->width, a->width, first, last,
                     [=](int64_t row, int64_t c, int64_t n, typename V::Float* t) {
                       t[0] = t[0] + load_some<V>(a->x + row * a->ldx + c, n);
                     });
  });
  add_blocks<1>(context, threads, parts, blocks.count, a->width, [=](int64_t c, const double* sum) {
    a->y[c] = static_cast<float>(static_cast<double>(a->y[c]) + sum[0]);
  });
  return JC_OK;
}

}  // namespace jc
