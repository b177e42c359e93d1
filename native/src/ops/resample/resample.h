// What both versions of resample share: checks, and the layout of the workspace
//   part: rows [from, to) of the source, resampled to the output's columns, `stride` bytes a row (padded, so that
//   vectors may run over)
//   row:  one finished output row
//   the columns' weights as 16-bit halves, for the vector version
#pragma once

#include "core/op.h"

namespace jc::resample {

constexpr int32_t kPrecision = 22;
constexpr int64_t kGroup = 4;  // taps that the vector version takes at once

struct Shape {
  int64_t from;    // first source row that a window touches
  int64_t to;      // one past the last
  int64_t stride;  // bytes of a row of the part
  int64_t groups;  // groups of taps of a column
};

inline Shape shape(const jc_resample_args* a) {
  Shape s{a->x_rows, 0, round_up(a->columns * a->channels + 32, 64), ceil_div(a->column_taps, kGroup)};
  for (int64_t i = 0; i < a->rows; ++i) {
    if (a->row_first[i] < s.from) s.from = a->row_first[i];
    if (int64_t{a->row_first[i]} + a->row_size[i] > s.to) s.to = int64_t{a->row_first[i]} + a->row_size[i];
  }
  return s;
}

inline int64_t part_bytes(const Shape& s) { return (s.to - s.from) * s.stride; }

inline int64_t workspace(const jc_resample_args* a) {
  Shape s = shape(a);
  return part_bytes(s) + s.stride + round_up(a->columns * s.groups * kGroup * 4, 64);
}

inline bool windows_fit(const int32_t* first, const int32_t* size, int64_t count, int64_t taps, int64_t in) {
  for (int64_t i = 0; i < count; ++i) {
    if (first[i] < 0 || size[i] < 1 || size[i] > taps || int64_t{first[i]} + size[i] > in) return false;
  }
  return true;
}

inline int32_t check(jc_context* context, const jc_resample_args* a) {
  JC_CHECK("resample", a->rows > 0 && a->columns > 0, "rows or columns");
  JC_CHECK("resample", a->channels >= 1 && a->channels <= 4, "channels");
  JC_CHECK("resample", a->x_columns > 0 && a->x_row >= a->x_columns * a->channels, "x_columns or x_row");
  JC_CHECK("resample", a->x && a->column_first && a->column_size && a->column_weights, "null pointer");
  JC_CHECK("resample", a->row_first && a->row_size && a->row_weights, "null pointer");
  JC_CHECK("resample", !a->tensor || (a->table && (a->channels == 1 || a->channels == 3)),
           "tensor without table or with alpha");
  JC_CHECK("resample", windows_fit(a->column_first, a->column_size, a->columns, a->column_taps, a->x_columns),
           "column windows");
  JC_CHECK("resample", windows_fit(a->row_first, a->row_size, a->rows, a->row_taps, a->x_rows), "row windows");
  JC_CHECK("resample", a->workspace && aligned(a->workspace, 64) && a->workspace_bytes >= workspace(a), "workspace");
  return JC_OK;
}

// A finished row to where it is wanted.
inline void put(const jc_resample_args* a, int64_t row, const uint8_t* bytes) {
  int64_t count = a->columns * a->channels;
  if (a->y != nullptr) {
    uint8_t* y = a->y + row * count;
    for (int64_t i = 0; i < count; ++i) y[i] = bytes[i];
  }
  if (a->tensor == nullptr) return;
  int64_t step = a->channels;
  for (int64_t c = 0; c < 3; ++c) {
    const float* table = a->table + 256 * c;
    const uint8_t* from = bytes + (step == 3 ? c : 0);
    float* out = a->tensor + c * a->tensor_channel + row * a->tensor_row;
    for (int64_t i = 0; i < a->columns; ++i) out[i] = table[from[i * step]];
  }
}

}  // namespace jc::resample
