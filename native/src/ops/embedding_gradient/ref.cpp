// Rows of dy added to the rows of the tables that they were made from. A counting sort brings the rows of each id
// together in ascending order; then every element of a table is summed by one thread. One version serves all
// instruction sets: it moves memory.
#include <cstring>

#include "core/pool.h"
#include "core/row_index.h"

JC_DECLARE(embedding_gradient)

namespace jc {
namespace {

// first: [count + 1] where each id's rows begin in order; order: the rows, sorted by id.
void sort_rows(const int32_t* ids, int64_t rows, int64_t count, int32_t* first, int32_t* order) {
  std::memset(first, 0, (count + 1) * sizeof(int32_t));
  for (int64_t row = 0; row < rows; ++row) ++first[ids[row]];
  int32_t end = 0;
  for (int64_t id = 0; id < count; ++id) first[id] = end += first[id];
  first[count] = end;
  // From the ends of the ranges down to their beginnings, which is where `first` then points.
  for (int64_t row = rows - 1; row >= 0; --row) order[--first[ids[row]]] = static_cast<int32_t>(row);
}

void add_rows(jc_context* context, const jc_embedding_gradient_args* a, const int32_t* ids, int64_t live, int64_t count,
              float* table) {
  int32_t* first = static_cast<int32_t*>(a->workspace);
  int32_t* order = first + count + 1;
  sort_rows(ids, live, count, first, order);
  // A frequent id (start, end) is shared among threads by columns.
  constexpr int64_t kIds = 32, kColumns = 128;
  int64_t columns = ceil_div(a->width, kColumns);
  int64_t threads = live * a->width > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, ceil_div(count, kIds) * columns, [=](int64_t task, int64_t) {
    int64_t id = task / columns * kIds;
    int64_t last_id = id + kIds < count ? id + kIds : count;
    int64_t column = task % columns * kColumns;
    int64_t n = a->width - column < kColumns ? a->width - column : kColumns;
    for (; id < last_id; ++id) {
      float* d = table + id * a->width + column;
      for (int32_t i = first[id]; i < first[id + 1]; ++i) {
        const float* dy = a->dy + order[i] * a->width + column;
        for (int64_t c = 0; c < n; ++c) d[c] += dy[c];
      }
    }
  });
}

}  // namespace
}  // namespace jc

int32_t jc::ref::embedding_gradient(jc_context* context, const jc_embedding_gradient_args* a) {
  JC_CHECK("embedding_gradient", a->rows >= 0 && a->rows <= INT32_MAX && a->width > 0, "rows or width");
  JC_CHECK("embedding_gradient", a->vocabulary > 0 && a->context > 0, "vocabulary or context");
  JC_CHECK("embedding_gradient", a->ids && a->positions && a->dy, "null pointer");
  JC_CHECK("embedding_gradient", a->workspace && aligned(a->workspace, 64), "workspace: null or not aligned");
  JC_CHECK("embedding_gradient", a->workspace_bytes >= jc_embedding_gradient_workspace(context, a), "workspace_bytes");
  int64_t live = live_rows(a->live, a->rows);
  int32_t status = check_row_index(context, "embedding_gradient", "ids", a->ids, live, a->vocabulary);
  if (status == JC_OK)
    status = check_row_index(context, "embedding_gradient", "positions", a->positions, live, a->context);
  if (status != JC_OK) return status;
  if (a->d_table != nullptr) add_rows(context, a, a->ids, live, a->vocabulary, a->d_table);
  if (a->d_positional != nullptr) add_rows(context, a, a->positions, live, a->context, a->d_positional);
  return JC_OK;
}

JC_PUBLIC int64_t jc_embedding_gradient_workspace(const jc_context*, const jc_embedding_gradient_args* a) {
  int64_t ids = a->vocabulary > a->context ? a->vocabulary : a->context;
  return jc::round_up((ids + 1 + a->rows) * static_cast<int64_t>(sizeof(int32_t)), 64);
}

JC_EXPORT(embedding_gradient, jc::ref::embedding_gradient, jc::ref::embedding_gradient, jc::ref::embedding_gradient)
