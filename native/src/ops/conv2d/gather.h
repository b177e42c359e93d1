// Gathers windows of a picture as rows of a product.
#pragma once

#include "ops/conv2d/conv2d.h"
#include "ops/gemm/put_run.h"

namespace jc {
namespace {

template <class V>
void gather_windows(const void* source, int64_t first, int64_t count, float* tile) {
  const auto* a = static_cast<const jc_conv2d_args*>(source);
  int64_t out_width = conv2d_out(a->width, a), pixels = conv2d_out(a->height, a) * out_width;
  for (int64_t i = 0; i < count; ++i) {
    int64_t row = first + i;
    const float* picture = a->x + row / pixels * a->x_batch;
    int64_t top = row % pixels / out_width * a->stride - a->padding;
    int64_t left = row % out_width * a->stride - a->padding;
    int64_t k = 0;
    for (int64_t v = top; v < top + a->kernel; ++v) {
      for (int64_t u = left; u < left + a->kernel; ++u, k += a->channels) {
        bool inside = v >= 0 && v < a->height && u >= 0 && u < a->width;
        const float* pixel = inside ? picture + v * a->x_row + u * a->x_column : nullptr;
        if (a->x_channel == 1 || !inside) {
          put_run<V>(tile, count, i, k, pixel, a->channels);
        } else {
          for (int64_t c = 0; c < a->channels; ++c) {
            tile[((k + c) / kChunk * count + i) * kChunk + (k + c) % kChunk] = pixel[c * a->x_channel];
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace jc
