// Gathers windows of dy as rows of a product.
#pragma once

#include "ops/conv2d/gather.h"
#include "ops/conv2d_data_gradient/conv2d_data_gradient.h"

namespace jc {
namespace {

template <class V>
void gather_close_windows(const void* source, int64_t first, int64_t count, float* tile) {
  gather_windows<V>(&static_cast<const DataGradient*>(source)->convolution, first, count, tile);
}

// With zeros between the pixels of dy.
template <class V>
void gather_spread_windows(const void* source, int64_t first, int64_t count, float* tile) {
  const auto& g = *static_cast<const DataGradient*>(source);
  const jc_conv2d_data_gradient_args* a = g.a;
  int64_t width = a->out_channels;
  for (int64_t i = 0; i < count; ++i) {
    int64_t row = first + i, at = 0;
    const float* picture = a->dy + row / (a->height * a->width) * g.convolution.x_batch;
    int64_t top = row / a->width % a->height - g.before, left = row % a->width - g.before;
    for (int64_t v = top; v < top + a->kernel; ++v) {
      for (int64_t u = left; u < left + a->kernel; ++u, at += width) {
        bool real = v >= 0 && u >= 0 && v % a->stride == 0 && u % a->stride == 0 && v / a->stride < g.out_height &&
                    u / a->stride < g.out_width;
        const float* dy = picture + (v / a->stride * g.out_width + u / a->stride) * width;
        put_run<V>(tile, count, i, at, real ? dy : nullptr, width);
      }
    }
  }
}

template <class V>
Product gathered_data_gradient(const DataGradient* g) {
  Product p = conv2d_data_gradient_product(g);
  p.gather = g->a->stride == 1 ? gather_close_windows<V> : gather_spread_windows<V>;
  return p;
}

}  // namespace
}  // namespace jc
