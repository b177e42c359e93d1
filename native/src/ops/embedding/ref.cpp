// Token embedding plus position, row by row.
#include <cstring>

#include "core/pool.h"
#include "core/row_index.h"

JC_DECLARE(embedding)

int32_t jc::ref::embedding(jc_context* context, const jc_embedding_args* a) {
  JC_CHECK("embedding", a->rows >= 0 && a->width > 0, "rows or width");
  JC_CHECK("embedding", a->vocabulary > 0 && a->context > 0, "vocabulary or context");
  JC_CHECK("embedding", a->ids && a->positions && a->table && a->positional && a->y, "null pointer");
  int64_t live = live_rows(a->live, a->rows);
  int32_t status = check_row_index(context, "embedding", "ids", a->ids, live, a->vocabulary);
  if (status == JC_OK) status = check_row_index(context, "embedding", "positions", a->positions, live, a->context);
  if (status != JC_OK) return status;
  constexpr int64_t kBlock = 32;  // rows a task: about 64 KB of output
  int64_t threads = a->rows * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(a->rows, kBlock), [=](int64_t block, int64_t) {
    int64_t end = (block + 1) * kBlock < a->rows ? (block + 1) * kBlock : a->rows;
    for (int64_t row = block * kBlock; row < end; ++row) {
      float* y = a->y + row * a->width;
      if (row >= live) {
        std::memset(y, 0, a->width * sizeof(float));
        continue;
      }
      const float* token = a->table + a->ids[row] * a->width;
      const float* position = a->positional + a->positions[row] * a->width;
      for (int64_t i = 0; i < a->width; ++i) y[i] = token[i] + position[i];
    }
  });
  return JC_OK;
}

JC_EXPORT(embedding, jc::ref::embedding, jc::ref::embedding, jc::ref::embedding)
