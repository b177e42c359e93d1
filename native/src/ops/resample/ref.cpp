// Resampling of bytes, the plain version.
#include "ops/resample/resample.h"

JC_DECLARE(resample)

namespace jc::resample {
namespace {

uint8_t weigh(const uint8_t* x, int64_t step, const int32_t* weights, int64_t size) {
  uint32_t sum = 1u << (kPrecision - 1);  // unsigned: wraps
  for (int64_t i = 0; i < size; ++i) sum += static_cast<uint32_t>(weights[i]) * x[i * step];
  int32_t value = static_cast<int32_t>(sum) >> kPrecision;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

}  // namespace
}  // namespace jc::resample

int32_t jc::ref::resample(jc_context* context, const jc_resample_args* a) {
  using namespace jc::resample;
  if (int32_t status = check(context, a)) return status;
  Shape s = shape(a);
  auto* part = static_cast<uint8_t*>(a->workspace);
  for (int64_t r = s.from; r < s.to; ++r) {
    for (int64_t i = 0; i < a->columns; ++i) {
      for (int64_t c = 0; c < a->channels; ++c) {
        part[(r - s.from) * s.stride + i * a->channels + c] =
            weigh(a->x + r * a->x_row + a->column_first[i] * a->channels + c, a->channels,
                  a->column_weights + i * a->column_taps, a->column_size[i]);
      }
    }
  }
  uint8_t* row = part + part_bytes(s);
  for (int64_t r = 0; r < a->rows; ++r) {
    for (int64_t i = 0; i < a->columns * a->channels; ++i) {
      row[i] = weigh(part + (a->row_first[r] - s.from) * s.stride + i, s.stride, a->row_weights + r * a->row_taps,
                     a->row_size[r]);
    }
    put(a, r, row);
  }
  return JC_OK;
}

JC_EXPORT(resample, jc::ref::resample, jc::avx2::resample, jc::avx2::resample)

JC_PUBLIC int64_t jc_resample_workspace(const jc_context*, const jc_resample_args* a) {
  return jc::resample::workspace(a);
}
