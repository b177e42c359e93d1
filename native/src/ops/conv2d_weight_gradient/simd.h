// Packing of a convolution's windows for the sum of outer products. Included by one source file an instruction set.
#pragma once

#include "ops/conv2d/gather.h"
#include "ops/conv2d_weight_gradient/conv2d_weight_gradient.h"

namespace jc {
namespace {

// In the order (window row, window column, channel).
template <class V>
void pack_windows(const void* source, int64_t first, int64_t count, float* panels, int64_t steps, int64_t at) {
  gather_windows_at<V, 2 * V::kWidth>(static_cast<const jc_conv2d_args*>(source), first, count, panels, steps, at);
}

// In the order (channel, window row, window column); a row of the window is a run of pixels.
template <class V>
void pack_planes(const void* source, int64_t first, int64_t count, float* panels, int64_t steps, int64_t at) {
  const auto* a = static_cast<const jc_conv2d_args*>(source);
  int64_t out_width = conv2d_out(a->width, a), out_height = conv2d_out(a->height, a);
  for (int64_t i = 0; i < count; ++i) {
    int64_t row = first + i, k = 0;
    int64_t top = row / out_width % out_height * a->stride - a->padding;
    int64_t left = row % out_width * a->stride - a->padding;
    int64_t before = left < 0 ? -left : 0;
    int64_t after = left + a->kernel > a->width ? left + a->kernel - a->width : 0;
    const float* plane = a->x + row / (out_width * out_height) * a->x_batch;
    auto put = [&](const float* from, int64_t n) {
      put_run<V, 2 * V::kWidth>(panels, steps, at + i, k, from, n);
      k += n;
    };
    for (int64_t c = 0; c < a->channels; ++c, plane += a->x_channel) {
      for (int64_t v = top; v < top + a->kernel; ++v) {
        if (v < 0 || v >= a->height || before + after >= a->kernel) {
          put(nullptr, a->kernel);
          continue;
        }
        if (before > 0) put(nullptr, before);
        put(plane + v * a->x_row + left + before, a->kernel - before - after);
        if (after > 0) put(nullptr, after);
      }
    }
  }
}

}  // namespace
}  // namespace jc
