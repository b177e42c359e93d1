// Rows added at their places. A task takes some columns of all rows, so that rows that come in any order (and, against
// the contract, twice) are added in ascending order by one thread. One version serves all instruction sets.
#include <cstring>

#include "core/pool.h"
#include "core/row_index.h"

JC_DECLARE(scatter_rows)

namespace jc {
namespace {

void copy_residual(jc_context* context, const jc_scatter_rows_args* a) {
  constexpr int64_t kBlock = 32;
  int64_t threads = a->y_rows * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->y_rows, kBlock), [=](int64_t block, int64_t) {
    int64_t row = block * kBlock;
    int64_t last = row + kBlock < a->y_rows ? row + kBlock : a->y_rows;
    size_t bytes = (last - row) * a->width * sizeof(float);
    if (a->residual == nullptr) {
      std::memset(a->y + row * a->width, 0, bytes);
    } else {
      std::memcpy(a->y + row * a->width, a->residual + row * a->width, bytes);
    }
  });
}

}  // namespace
}  // namespace jc

int32_t jc::ref::scatter_rows(jc_context* context, const jc_scatter_rows_args* a) {
  JC_CHECK("scatter_rows", a->rows >= 0 && a->y_rows >= 0 && a->width > 0, "rows, y_rows or width");
  JC_CHECK("scatter_rows", a->x && a->y, "null pointer");
  int64_t live = live_rows(a->live, a->rows);
  if (a->index != nullptr) {
    int32_t status = check_row_index(context, "scatter_rows", "index", a->index, live, a->y_rows);
    if (status != JC_OK) return status;
  } else {
    JC_CHECK("scatter_rows", a->step >= 0, "step");
    JC_CHECK("scatter_rows", live <= 0 || (live - 1) * a->step < a->y_rows, "step: beyond y_rows");
  }
  if (a->residual != a->y) copy_residual(context, a);
  constexpr int64_t kColumns = 64;
  int64_t threads = live * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->width, kColumns), [=](int64_t block, int64_t) {
    int64_t first = block * kColumns;
    int64_t last = first + kColumns < a->width ? first + kColumns : a->width;
    for (int64_t row = 0; row < live; ++row) {
      const float* x = a->x + row * a->width;
      float* y = a->y + (a->index != nullptr ? a->index[row] : row * a->step) * a->width;
      for (int64_t i = first; i < last; ++i) y[i] += x[i];
    }
  });
  return JC_OK;
}

JC_EXPORT(scatter_rows, jc::ref::scatter_rows, jc::ref::scatter_rows, jc::ref::scatter_rows)
