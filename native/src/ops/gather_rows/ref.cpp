// Rows picked by number or by step: one copy a row.
#include <cstring>

#include "core/pool.h"
#include "core/row_index.h"

JC_DECLARE(gather_rows)

int32_t jc::ref::gather_rows(jc_context* context, const jc_gather_rows_args* a) {
  JC_CHECK("gather_rows", a->rows >= 0 && a->source_rows >= 0 && a->width > 0, "rows, source_rows or width");
  JC_CHECK("gather_rows", a->x && a->y, "null pointer");
  int64_t live = live_rows(a->live, a->rows);
  if (a->index != nullptr) {
    int32_t status = check_row_index(context, "gather_rows", "index", a->index, live, a->source_rows);
    if (status != JC_OK) return status;
  } else {
    JC_CHECK("gather_rows", a->step >= 0, "step");
    JC_CHECK("gather_rows", live <= 0 || (live - 1) * a->step < a->source_rows, "step: beyond source_rows");
  }
  constexpr int64_t kBlock = 32;
  int64_t threads = a->rows * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->rows, kBlock), [=](int64_t block, int64_t) {
    int64_t end = (block + 1) * kBlock < a->rows ? (block + 1) * kBlock : a->rows;
    for (int64_t row = block * kBlock; row < end; ++row) {
      float* y = a->y + row * a->width;
      int64_t source = row >= live ? 0 : a->index != nullptr ? a->index[row] : row * a->step;
      if (row >= live) {
        std::memset(y, 0, a->width * sizeof(float));
      } else {
        std::memcpy(y, a->x + source * a->width, a->width * sizeof(float));
      }
    }
  });
  return JC_OK;
}

JC_EXPORT(gather_rows, jc::ref::gather_rows, jc::ref::gather_rows, jc::ref::gather_rows)
