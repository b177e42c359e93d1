// Sums of columns, the plain version: blocks of rows in index order, then the blocks, in double: a bias may see a
// hundred thousand rows.
#include "ops/column_sums/column_sums.h"

int32_t jc::ref::column_sums(jc_context* context, const jc_column_sums_args* a) {
  if (int32_t status = check_column_sums(context, a); status != JC_OK) return status;
  RowBlocks blocks = row_blocks(a->rows, a->width);
  for (int64_t c = 0; c < a->width; ++c) {
    double sum = 0;
    for (int64_t block = 0; block < blocks.count; ++block) {
      float part = 0;
      for (int64_t row = block * blocks.size; row < (block + 1) * blocks.size && row < a->rows; ++row) {
        part += a->x[row * a->ldx + c];
      }
      sum += static_cast<double>(part);
    }
    a->y[c] = static_cast<float>(static_cast<double>(a->y[c]) + sum);
  }
  return JC_OK;
}

JC_PUBLIC int64_t jc_column_sums_workspace(const jc_context*, const jc_column_sums_args* a) {
  if (a->rows <= 0 || a->width <= 0) return 0;
  return jc::round_up(jc::row_blocks(a->rows, a->width).count * a->width * static_cast<int64_t>(sizeof(float)), 64);
}

JC_EXPORT(column_sums, jc::ref::column_sums, jc::avx2::column_sums, jc::avx512::column_sums)
